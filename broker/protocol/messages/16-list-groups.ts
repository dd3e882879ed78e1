/** Lists the groups a broker coordinates. v4 filters by state, v5 by the type of the group. */
import { api, int16, int32, list, message, string, strings } from '../schema.ts';

export default api({
  key: 16,
  name: 'ListGroups',
  listeners: ['broker'],
  request: message('0-5', '3+', {
    statesFilter: strings('4+'),
    typesFilter: strings('5+'),
  }),
  response: message('0-5', '3+', {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    groups: list('0+', {
      groupId: string('0+'),
      protocolType: string('0+'),
      groupState: string('4+', { ignorable: true }),
      groupType: string('5+', { ignorable: true }),
    }),
  }),
});
