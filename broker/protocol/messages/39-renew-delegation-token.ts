/** Puts off the expiry of a delegation token. */
import { api, bytes, int16, int32, int64, message } from '../schema.ts';

export default api({
  key: 39,
  name: 'RenewDelegationToken',
  listeners: ['broker', 'controller'],
  request: message('1-2', '2+', {
    hmac: bytes('0+'),
    renewPeriodMs: int64('0+'),
  }),
  response: message('1-2', '2+', {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  }),
});
