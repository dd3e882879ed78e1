/** Has the share coordinator forget the state of share partitions. */
import { api, int16, int32, list, message, string, uuid } from '../schema.ts';

export default api({
  key: 86,
  name: 'DeleteShareGroupState',
  listeners: ['broker'],
  request: message('0', '0+', {
    groupId: string('0+'),
    topics: list('0+', {
      topicId: uuid('0+'),
      partitions: list('0+', {
        partition: int32('0+'),
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
