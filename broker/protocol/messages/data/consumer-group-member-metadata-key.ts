/** Names the consumer group's member that a record of __consumer_offsets describes. */
import { data, string } from '../../schema.ts';

export default data(
  'ConsumerGroupMemberMetadataKey',
  '0',
  'none',
  {
    groupId: string('0'),
    memberId: string('0'),
  },
  { apiKey: 5 },
);
