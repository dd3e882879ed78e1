/** A streams group's epochs, a hash of its topics and the settings of its last assignment. */
import { data, int32, int64, list, string } from '../../schema.ts';

export default data(
  'StreamsGroupMetadataValue',
  '0',
  '0+',
  {
    epoch: int32('0+'),
    metadataHash: int64('0+'),
    validatedTopologyEpoch: int32('0+', { tag: 0, default: -1 }),
    lastAssignmentConfigs: list(
      '0+',
      {
        key: string('0+'),
        value: string('0+'),
      },
      { nullable: '0+', tag: 1, default: null },
    ),
    storedDescriptionTopologyEpoch: int32('0+', { tag: 2, default: -1 }),
    failedDescriptionTopologyEpoch: int32('0+', { tag: 3, default: -1 }),
  },
  { apiKey: 17 },
);
