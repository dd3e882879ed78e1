/** Images and records for tests. */
import { ImageBuilder, type MetadataImage } from './image.ts';
import { decodeBatch, encodeBatch, type MetadataRecord, type RecordOf } from './records.ts';

/** The image after the records, which are written as a controller would, through bytes and back. */
export function written(image: MetadataImage, records: readonly MetadataRecord[]): MetadataImage {
  const builder = new ImageBuilder(image);
  builder.apply(decodeBatch(encodeBatch({ controllerEpoch: 1, records })), image.nextOffset);
  return builder.finish().image;
}

/** Of partition 0 unless `fields` says so; what it does not name stays as it is. */
export function partitionChange(
  fields: Pick<RecordOf<'PartitionChange'>, 'topicId'> & Partial<RecordOf<'PartitionChange'>>,
): RecordOf<'PartitionChange'> {
  return {
    kind: 'PartitionChange',
    partitionId: 0,
    isr: null,
    leader: -2,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    directories: null,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    ...fields,
  };
}
