/** Names the streams group's member whose target tasks a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'StreamsGroupTargetAssignmentMemberKey',
  '0',
  'none',
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  { apiKey: 21 },
);
