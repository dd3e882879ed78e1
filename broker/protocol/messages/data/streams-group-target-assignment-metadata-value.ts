/** The group epoch for which a streams group's target assignment was computed. */
import { data, int32, int64 } from '../../schema.ts';

export default data(
  'StreamsGroupTargetAssignmentMetadataValue',
  '0',
  '0+',
  {
    assignmentEpoch: int32('0+'),
    assignmentTimestamp: int64('0+', { tag: 0, ignorable: true }),
  },
  { apiKey: 20 },
);
