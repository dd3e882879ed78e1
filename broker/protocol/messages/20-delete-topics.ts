/** Deletes topics by name, or from v6 on by id. */
import { api, int16, int32, list, message, string, strings, uuid } from '../schema.ts';

export default api({
  key: 20,
  name: 'DeleteTopics',
  listeners: ['broker', 'controller'],
  request: message('1-6', '4+', {
    topics: list('6+', {
      name: string('6+', { nullable: '6+', default: null }),
      topicId: uuid('6+'),
    }),
    topicNames: strings('0-5', { ignorable: true }),
    timeoutMs: int32('0+'),
  }),
  response: message('1-6', '4+', {
    throttleTimeMs: int32('1+', { ignorable: true }),
    responses: list('0+', {
      name: string('0+', { mapKey: true, nullable: '6+' }),
      topicId: uuid('6+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  }),
});
