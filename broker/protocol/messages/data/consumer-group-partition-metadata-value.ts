/** The topics a consumer group subscribes to, as older brokers kept them; a hash has taken their place. */
import { data, int32, list, string, strings, uuid } from '../../schema.ts';

export default data(
  'ConsumerGroupPartitionMetadataValue',
  '0',
  '0+',
  {
    topics: list('0+', {
      topicId: uuid('0+'),
      topicName: string('0+'),
      numPartitions: int32('0+'),
      partitionMetadata: list('0+', {
        partition: int32('0+'),
        racks: strings('0+'),
      }),
    }),
  },
  { apiKey: 4 },
);
