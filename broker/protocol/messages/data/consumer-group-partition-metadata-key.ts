/** Names the consumer group whose topics a record of older brokers describes. */
import { data, string } from '../../schema.ts';

export default data(
  'ConsumerGroupPartitionMetadataKey',
  '0',
  'none',
  {
    groupId: string('0'),
  },
  { apiKey: 4 },
);
