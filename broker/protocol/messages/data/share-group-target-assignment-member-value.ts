/** What a share group's member shall read from. */
import { data, int32s, list, uuid } from '../../schema.ts';

export default data(
  'ShareGroupTargetAssignmentMemberValue',
  '0',
  '0+',
  {
    topicPartitions: list('0+', {
      topicId: uuid('0+'),
      partitions: int32s('0+'),
    }),
  },
  { apiKey: 13 },
);
