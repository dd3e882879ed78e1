/** Lists the producers that partitions remember, with their open transactions. */
import { api, int16, int32, int32s, int64, list, message, string } from '../schema.ts';

export default api({
  key: 61,
  name: 'DescribeProducers',
  listeners: ['broker'],
  request: message('0', '0+', {
    topics: list('0+', {
      name: string('0+', { mapKey: true }),
      partitionIndexes: int32s('0+'),
    }),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    topics: list('0+', {
      name: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        activeProducers: list('0+', {
          producerId: int64('0+'),
          producerEpoch: int32('0+'),
          lastSequence: int32('0+', { default: -1 }),
          lastTimestamp: int64('0+', { default: -1n }),
          coordinatorEpoch: int32('0+'),
          currentTxnStartOffset: int64('0+', { default: -1n }),
        }),
      }),
    }),
  }),
});
