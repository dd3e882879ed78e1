/** Deletes empty groups with their offsets. v3 says why one could not be deleted. */
import { api, int16, int32, list, message, string, strings } from '../schema.ts';

export default api({
  key: 42,
  name: 'DeleteGroups',
  listeners: ['broker'],
  request: message('0-3', '2+', {
    groupsNames: strings('0+'),
  }),
  response: message('0-3', '2+', {
    throttleTimeMs: int32('0+'),
    results: list('0+', {
      groupId: string('0+', { mapKey: true }),
      errorCode: int16('0+'),
      errorMessage: string('3+', { nullable: '3+', default: null, ignorable: true }),
    }),
  }),
});
