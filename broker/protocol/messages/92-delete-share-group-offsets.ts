/** Forgets where an empty share group stands in whole topics. */
import { api, int16, int32, list, message, string, uuid } from '../schema.ts';

export default api({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  listeners: ['broker'],
  request: message('0', '0+', {
    groupId: string('0+'),
    topics: list('0+', {
      topicName: string('0+'),
    }),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    responses: list('0+', {
      topicName: string('0+'),
      topicId: uuid('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  }),
});
