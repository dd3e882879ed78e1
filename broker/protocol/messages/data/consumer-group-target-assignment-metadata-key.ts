/** Names the consumer group whose assignment epoch a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'ConsumerGroupTargetAssignmentMetadataKey',
  '0',
  'none',
  {
    groupId: string('0'),
  },
  { apiKey: 6 },
);
