/** Tells a client which of its metrics to push, how often and how compressed. */
import { api, bool, int8s, int16, int32, message, strings, uuid } from '../schema.ts';

export default api({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  listeners: ['broker'],
  request: message('0', '0+', {
    clientInstanceId: uuid('0+'),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    acceptedCompressionTypes: int8s('0+'),
    pushIntervalMs: int32('0+'),
    telemetryMaxBytes: int32('0+'),
    deltaTemporality: bool('0+'),
    requestedMetrics: strings('0+'),
  }),
});
