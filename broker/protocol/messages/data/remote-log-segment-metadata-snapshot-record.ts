/** A remote segment as a snapshot of one partition's remote log keeps it. */
import { bool, bytes, data, int8, int32, int64, list, uuid } from '../../schema.ts';

export default data(
  'RemoteLogSegmentMetadataSnapshotRecord',
  '0',
  '0+',
  {
    segmentId: uuid('0+'),
    startOffset: int64('0+'),
    endOffset: int64('0+'),
    brokerId: int32('0+'),
    maxTimestampMs: int64('0+'),
    eventTimestampMs: int64('0+'),
    segmentLeaderEpochs: list('0+', {
      leaderEpoch: int32('0+'),
      offset: int64('0+'),
    }),
    segmentSizeInBytes: int32('0+'),
    customMetadata: bytes('0+', { nullable: '0+', default: null }),
    remoteLogSegmentState: int8('0+'),
    txnIndexEmpty: bool('0+', { tag: 0 }),
  },
  { apiKey: 3 },
);
