/** Ottla's own: what stopping a broker would do to the partitions it holds, without asking for it. */
import { api, bool, int16, int32, int64, list, message, string } from '../schema.ts';

export default api({
  key: 20001,
  name: 'StopImpact',
  listeners: ['controller'],
  request: message('0', '0+', { brokerId: int32('0+') }),
  response: message('0', '0+', {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    brokerEpoch: int64('0+'),
    hasPermit: bool('0+'),
    leaderCount: int32('0+'),
    replicaCount: int32('0+'),
    outOfSyncCount: int32('0+'),
    blockingCount: int32('0+'),
    unsparableCount: int32('0+'),
    partitions: list('0+', {
      topic: string('0+'),
      partition: int32('0+'),
      inSyncReplicas: int32('0+'),
      minInSyncReplicas: int32('0+'),
      isUnsparable: bool('0+'),
    }),
  }),
});
