/**
 * DescribeAcls (key 29), versions 1-3: without an authorizer every call is answered SECURITY_DISABLED, as Kafka does.
 */
import { type DescribeAclsRequest, readDescribeAclsRequest } from '../protocol/generated/describe-acls-request.ts';
import {
  type DescribeAclsResponseInit,
  writeDescribeAclsResponse,
} from '../protocol/generated/describe-acls-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

const NO_AUTHORIZER = 'No Authorizer is configured.';

export const describeAcls = handler<DescribeAclsRequest, DescribeAclsResponseInit>({
  key: 29,
  read: readDescribeAclsRequest,
  write: writeDescribeAclsResponse,
  handle(_request) {
    return { throttleTimeMs: 0, errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: NO_AUTHORIZER, resources: [] };
  },
});
