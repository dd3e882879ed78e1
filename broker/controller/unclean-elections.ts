/** Elections of leaders that may lack records: the one loss that a cluster announces, so it is told loudly. */
import type { MetadataImage, MetadataRecord } from '../metadata/mod.ts';

export interface UncleanElection {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
}

/** Those among the records, which lead from one image to the other. */
export function findUncleanElections(
  records: readonly MetadataRecord[],
  before: MetadataImage,
  after: MetadataImage,
): UncleanElection[] {
  const found = new Map<string, UncleanElection>();
  for (const record of records) {
    if (record.kind !== 'PartitionChange') continue;
    const topic = after.topicsById.get(record.topicId);
    const partition = topic?.partitions[record.partitionId];
    const previous = before.topicsById.get(record.topicId)?.partitions[record.partitionId];
    if (topic === undefined || partition === undefined || previous === undefined) continue;
    const { leader, leaderEpoch, isRecovering } = partition;
    if (leader < 0 || !isRecovering || leaderEpoch === previous.leaderEpoch) continue;
    // One that recovers still may also be led again by who has all that is left.
    const wasKept = previous.inSyncReplicas.includes(leader) || previous.eligibleLeaderReplicas.includes(leader);
    if (previous.isRecovering && wasKept) continue;
    found.set(`${topic.id}/${partition.partition}`, {
      topic: topic.name,
      partition: partition.partition,
      leader,
      leaderEpoch,
    });
  }
  return [...found.values()];
}
