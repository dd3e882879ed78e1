/** Names the share group whose initialized partitions a record of __consumer_offsets lists. */
import { data, string } from '../../schema.ts';

export default data(
  'ShareGroupStatePartitionMetadataKey',
  '0',
  'none',
  {
    groupId: string('0'),
  },
  { apiKey: 15 },
);
