/** Tells the controller in which log directory each of a broker's replicas is. */
import { api, int16, int32, int64, list, message, uuid } from '../schema.ts';

export default api({
  key: 73,
  name: 'AssignReplicasToDirs',
  listeners: ['controller'],
  request: message('0', '0+', {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1n }),
    directories: list('0+', {
      id: uuid('0+'),
      topics: list('0+', {
        topicId: uuid('0+'),
        partitions: list('0+', {
          partitionIndex: int32('0+'),
        }),
      }),
    }),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    directories: list('0+', {
      id: uuid('0+'),
      topics: list('0+', {
        topicId: uuid('0+'),
        partitions: list('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    }),
  }),
});
