/** Issues a token with which others may authenticate as its owner. v3 lets one principal ask on behalf of another. */
import { api, bytes, int16, int32, int64, list, message, string } from '../schema.ts';

export default api({
  key: 38,
  name: 'CreateDelegationToken',
  listeners: ['broker', 'controller'],
  request: message('1-3', '2+', {
    ownerPrincipalType: string('3+', { nullable: '3+' }),
    ownerPrincipalName: string('3+', { nullable: '3+' }),
    renewers: list('0+', {
      principalType: string('0+'),
      principalName: string('0+'),
    }),
    maxLifetimeMs: int64('0+'),
  }),
  response: message('1-3', '2+', {
    errorCode: int16('0+'),
    principalType: string('0+'),
    principalName: string('0+'),
    tokenRequesterPrincipalType: string('3+'),
    tokenRequesterPrincipalName: string('3+'),
    issueTimestampMs: int64('0+'),
    expiryTimestampMs: int64('0+'),
    maxTimestampMs: int64('0+'),
    tokenId: string('0+'),
    hmac: bytes('0+'),
    throttleTimeMs: int32('0+'),
  }),
});
