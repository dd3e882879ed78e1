/** Has the share coordinator start keeping the state of share partitions. */
import { api, int16, int32, int64, list, message, string, uuid } from '../schema.ts';

export default api({
  key: 83,
  name: 'InitializeShareGroupState',
  listeners: ['broker'],
  request: message('0', '0+', {
    groupId: string('0+'),
    topics: list('0+', {
      topicId: uuid('0+'),
      partitions: list('0+', {
        partition: int32('0+'),
        stateEpoch: int32('0+'),
        startOffset: int64('0+'),
      }),
    }),
  }),
  response: message('0', '0+', {
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
