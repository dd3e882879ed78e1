/** A remote segment's next state: copied, being deleted, deleted. */
import { bytes, data, int8, int32, int64, string, struct, uuid } from '../../schema.ts';

export default data(
  'RemoteLogSegmentMetadataUpdateRecord',
  '0',
  '0+',
  {
    remoteLogSegmentId: struct('0+', {
      topicIdPartition: struct('0+', {
        name: string('0+'),
        id: uuid('0+'),
        partition: int32('0+'),
      }),
      id: uuid('0+'),
    }),
    brokerId: int32('0+'),
    eventTimestampMs: int64('0+'),
    customMetadata: bytes('0+', { nullable: '0+', default: null }),
    remoteLogSegmentState: int8('0+'),
  },
  { apiKey: 1 },
);
