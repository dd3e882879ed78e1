/** The tasks a streams group's member shall run once the group has settled. */
import { data, int32s, list, string } from '../../schema.ts';

const taskIds = {
  subtopologyId: string('0+'),
  partitions: int32s('0+'),
};

export default data(
  'StreamsGroupTargetAssignmentMemberValue',
  '0',
  '0+',
  {
    activeTasks: list('0+', taskIds),
    standbyTasks: list('0+', taskIds),
    warmupTasks: list('0+', taskIds),
  },
  { apiKey: 21 },
);
