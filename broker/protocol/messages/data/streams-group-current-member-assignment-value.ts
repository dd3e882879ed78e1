/** The tasks a streams group's member runs now, and those it still has to give back. */
import { data, int8, int32, int32s, list, string } from '../../schema.ts';

const taskIds = {
  subtopologyId: string('0+'),
  partitions: int32s('0+'),
  assignmentEpochs: int32s('0+', { nullable: '0+', tag: 0, default: null }),
};

export default data(
  'StreamsGroupCurrentMemberAssignmentValue',
  '0',
  '0+',
  {
    memberEpoch: int32('0+'),
    previousMemberEpoch: int32('0+'),
    state: int8('0+'),
    activeTasks: list('0+', taskIds),
    standbyTasks: list('0+', taskIds),
    warmupTasks: list('0+', taskIds),
    activeTasksPendingRevocation: list('0+', taskIds),
    standbyTasksPendingRevocation: list('0+', taskIds),
    warmupTasksPendingRevocation: list('0+', taskIds),
  },
  { apiKey: 22 },
);
