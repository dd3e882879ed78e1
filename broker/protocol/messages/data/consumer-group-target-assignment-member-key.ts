/** Names the member whose target assignment a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'ConsumerGroupTargetAssignmentMemberKey',
  '0',
  'none',
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  { apiKey: 7 },
);
