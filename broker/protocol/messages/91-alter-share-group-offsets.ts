/** Moves the start of an empty share group's partitions. */
import { api, int16, int32, int64, list, message, string, uuid } from '../schema.ts';

export default api({
  key: 91,
  name: 'AlterShareGroupOffsets',
  listeners: ['broker'],
  request: message('0', '0+', {
    groupId: string('0+'),
    topics: list('0+', {
      topicName: string('0+', { mapKey: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        startOffset: int64('0+'),
      }),
    }),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    responses: list('0+', {
      topicName: string('0+', { mapKey: true }),
      topicId: uuid('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
      }),
    }),
  }),
});
