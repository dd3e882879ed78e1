/** Stores changes of the state of share partitions. v1 brings how many records past the start are done with. */
import { api, int8, int16, int32, int64, list, message, string, uuid } from '../schema.ts';

export default api({
  key: 85,
  name: 'WriteShareGroupState',
  listeners: ['broker'],
  request: message('0-1', '0+', {
    groupId: string('0+'),
    topics: list('0+', {
      topicId: uuid('0+'),
      partitions: list('0+', {
        partition: int32('0+'),
        stateEpoch: int32('0+'),
        leaderEpoch: int32('0+'),
        startOffset: int64('0+'),
        deliveryCompleteCount: int32('1+', { default: -1, ignorable: true }),
        stateBatches: list('0+', {
          firstOffset: int64('0+'),
          lastOffset: int64('0+'),
          deliveryState: int8('0+'),
          deliveryCount: int16('0+'),
        }),
      }),
    }),
  }),
  response: message('0-1', '0+', {
    results: list('0+', {
      topicId: uuid('0+'),
      partitions: list('0+', {
        partition: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    }),
  }),
});
