/** Names the share group's member whose current assignment a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'ShareGroupCurrentMemberAssignmentKey',
  '0',
  'none',
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  { apiKey: 14 },
);
