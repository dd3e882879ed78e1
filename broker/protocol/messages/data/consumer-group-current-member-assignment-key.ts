/** Names the member whose current assignment a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'ConsumerGroupCurrentMemberAssignmentKey',
  '0',
  'none',
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  { apiKey: 8 },
);
