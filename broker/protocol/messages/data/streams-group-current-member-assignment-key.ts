/** Names the streams group's member whose current tasks a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'StreamsGroupCurrentMemberAssignmentKey',
  '0',
  'none',
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  { apiKey: 22 },
);
