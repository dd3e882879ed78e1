/**
 * CreateAcls (key 30), versions 1-3: without an authorizer every call is answered SECURITY_DISABLED, as Kafka does.
 */
import { type CreateAclsRequest, readCreateAclsRequest } from '../protocol/generated/create-acls-request.ts';
import { type CreateAclsResponseInit, writeCreateAclsResponse } from '../protocol/generated/create-acls-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

const NO_AUTHORIZER = 'No Authorizer is configured.';

export const createAcls = handler<CreateAclsRequest, CreateAclsResponseInit>({
  key: 30,
  read: readCreateAclsRequest,
  write: writeCreateAclsResponse,
  handle(request) {
    return {
      throttleTimeMs: 0,
      results: request.creations.map(() => ({ errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: NO_AUTHORIZER })),
    };
  },
});
