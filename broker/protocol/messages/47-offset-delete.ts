/** Deletes committed offsets of topics the group no longer reads. */
import { api, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 47,
  name: 'OffsetDelete',
  listeners: ['broker'],
  request: message('0', 'none', {
    groupId: string('0+'),
    topics: list('0+', {
      name: string('0+', { mapKey: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  }),
  response: message('0', 'none', {
    errorCode: int16('0+'),
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: list('0+', {
      name: string('0+', { mapKey: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+', { mapKey: true }),
        errorCode: int16('0+'),
      }),
    }),
  }),
});
