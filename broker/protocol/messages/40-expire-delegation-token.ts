/** Sets an earlier expiry of a delegation token, or ends it at once. */
import { api, bytes, int16, int32, int64, message } from '../schema.ts';

export default api({
  key: 40,
  name: 'ExpireDelegationToken',
  listeners: ['broker', 'controller'],
  request: message('1-2', '2+', {
    hmac: bytes('0+'),
    expiryTimePeriodMs: int64('0+'),
  }),
  response: message('1-2', '2+', {
    errorCode: int16('0+'),
    expiryTimestampMs: int64('0+'),
    throttleTimeMs: int32('0+'),
  }),
});
