/** Proposes a partition's new in-sync set to the controller; v3 gives each replica's broker epoch with it. */
import { api, int8, int16, int32, int32s, int64, list, message, uuid } from '../schema.ts';

export default api({
  key: 56,
  name: 'AlterPartition',
  listeners: ['controller'],
  request: message('2-3', '0+', {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1n }),
    topics: list('0+', {
      topicId: uuid('2+', { ignorable: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        leaderEpoch: int32('0+'),
        newIsr: int32s('0-2'),
        newIsrWithEpochs: list('3+', {
          brokerId: int32('3+'),
          brokerEpoch: int64('3+', { default: -1n }),
        }),
        leaderRecoveryState: int8('1+'),
        partitionEpoch: int32('0+'),
      }),
    }),
  }),
  response: message('2-3', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    topics: list('0+', {
      topicId: uuid('2+', { ignorable: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        isr: int32s('0+'),
        leaderRecoveryState: int8('1+', { ignorable: true }),
        partitionEpoch: int32('0+'),
      }),
    }),
  }),
});
