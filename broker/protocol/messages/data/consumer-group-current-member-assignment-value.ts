/** What a consumer group's member owns now, and what it still has to give back. */
import { data, int8, int32, int32s, list, uuid } from '../../schema.ts';

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: int32s('0+'),
  assignmentEpochs: int32s('0+', { nullable: '0+', tag: 0, default: null }),
};

export default data(
  'ConsumerGroupCurrentMemberAssignmentValue',
  '0',
  '0+',
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    assignedPartitions: list('0+', topicPartitions),
    partitionsPendingRevocation: list('0+', topicPartitions),
  },
  { apiKey: 8 },
);
