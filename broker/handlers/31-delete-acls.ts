/**
 * DeleteAcls (key 31), versions 1-3: without an authorizer every call is answered SECURITY_DISABLED, as Kafka does.
 */
import { type DeleteAclsRequest, readDeleteAclsRequest } from '../protocol/generated/delete-acls-request.ts';
import { type DeleteAclsResponseInit, writeDeleteAclsResponse } from '../protocol/generated/delete-acls-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

const NO_AUTHORIZER = 'No Authorizer is configured.';

export const deleteAcls = handler<DeleteAclsRequest, DeleteAclsResponseInit>({
  key: 31,
  read: readDeleteAclsRequest,
  write: writeDeleteAclsResponse,
  handle(request) {
    return {
      throttleTimeMs: 0,
      filterResults: request.filters.map(() => ({
        errorCode: ErrorCode.SECURITY_DISABLED,
        errorMessage: NO_AUTHORIZER,
        matchingAcls: [],
      })),
    };
  },
});
