/** How far the deletion of a partition's remote log has come. */
import { data, int8, int32, int64, string, struct, uuid } from '../../schema.ts';

export default data(
  'RemotePartitionDeleteMetadataRecord',
  '0',
  '0+',
  {
    topicIdPartition: struct('0+', {
      name: string('0+'),
      id: uuid('0+'),
      partition: int32('0+'),
    }),
    brokerId: int32('0+'),
    eventTimestampMs: int64('0+'),
    remotePartitionDeleteState: int8('0+'),
  },
  { apiKey: 2 },
);
