/** What a consumer group's member shall own once the group has settled. */
import { data, int32s, list, uuid } from '../../schema.ts';

export default data(
  'ConsumerGroupTargetAssignmentMemberValue',
  '0',
  '0+',
  {
    topicPartitions: list('0+', {
      topicId: uuid('0+'),
      partitions: int32s('0+'),
    }),
  },
  { apiKey: 7 },
);
