/** Hands a broker a block of producer ids to give out. */
import { api, int16, int32, int64, message } from '../schema.ts';

export default api({
  key: 67,
  name: 'AllocateProducerIds',
  listeners: ['controller'],
  request: message('0', '0+', {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1n }),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerIdStart: int64('0+'),
    producerIdLen: int32('0+'),
  }),
});
