/** For which partitions of a share group the share coordinator keeps state, begins to, or is about to forget it. */
import { data, int32s, list, string, uuid } from '../../schema.ts';

const topicPartitions = {
  topicId: uuid('0+'),
  topicName: string('0+'),
  partitions: int32s('0+'),
};

export default data(
  'ShareGroupStatePartitionMetadataValue',
  '0',
  '0+',
  {
    initializingTopics: list('0+', topicPartitions),
    initializedTopics: list('0+', topicPartitions),
    deletingTopics: list('0+', {
      topicId: uuid('0+'),
      topicName: string('0+'),
    }),
  },
  { apiKey: 15 },
);
