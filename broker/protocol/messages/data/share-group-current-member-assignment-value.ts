/** What a share group's member reads from now. */
import { data, int8, int32, int32s, list, uuid } from '../../schema.ts';

export default data(
  'ShareGroupCurrentMemberAssignmentValue',
  '0',
  '0+',
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: list('0+', {
      topicId: uuid('0+'),
      partitions: int32s('0+'),
    }),
  },
  { apiKey: 14 },
);
