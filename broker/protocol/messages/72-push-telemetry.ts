/** Delivers a client's metrics. */
import { api, bool, bytes, int8, int16, int32, message, uuid } from '../schema.ts';

export default api({
  key: 72,
  name: 'PushTelemetry',
  listeners: ['broker'],
  request: message('0', '0+', {
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    terminating: bool('0+'),
    compressionType: int8('0+'),
    metrics: bytes('0+'),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  }),
});
