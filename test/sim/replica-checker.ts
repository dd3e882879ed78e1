/**
 * Looks into the brokers: whoever the metadata counts as in sync must have every committed record, as its leader has
 * it. Clients would notice a member that lacks some only if it came to lead before it caught up.
 */
import type { MetadataImage, PartitionImage } from '../../broker/metadata/mod.ts';
import type { Replica } from '../../broker/replication/mod.ts';
import type { History } from './history.ts';
import type { SimCluster } from './sim-cluster.ts';

export function checkReplicas(cluster: SimCluster, image: MetadataImage, history: History): void {
  for (const { name, partitions } of image.topicsByName.values()) {
    for (const partition of partitions) checkPartition(cluster, image, history, name, partition);
  }
}

function checkPartition(
  cluster: SimCluster,
  image: MetadataImage,
  history: History,
  topic: string,
  state: PartitionImage,
): void {
  const leader = replicaOf(cluster, image, topic, state, state.leader);
  if (leader === undefined || !leader.isLeader || leader.leaderEpoch !== state.leaderEpoch) return;
  const last = leader.highWatermark - 1;
  if (last < leader.logStartOffset) return;
  const epoch = leader.log.leaderEpochs.epochOf(last);
  for (const id of state.inSyncReplicas) {
    const member = id === state.leader ? undefined : replicaOf(cluster, image, topic, state, id);
    if (member === undefined || member.logStartOffset > last) continue;
    const found = member.logEndOffset > last ? member.log.leaderEpochs.epochOf(last) : undefined;
    if (found === epoch) continue;
    const held = found === undefined ? 'no record' : 'another record';
    history.violation(
      `${topic}-${state.partition}: broker ${id} is in sync and has ${held} at committed offset ${last}`,
    );
  }
}

/**
 * Whoever joins an in-sync set does so as the very incarnation that its leader asked for: an earlier one may have had
 * what this one lost.
 */
export function checkJoined(
  cluster: SimCluster,
  image: MetadataImage,
  change: { readonly topic: string; readonly state: PartitionImage; readonly before: PartitionImage },
  history: History,
): void {
  const { topic, state, before } = change;
  const leader = replicaOf(cluster, image, topic, state, state.leader);
  if (leader === undefined || !leader.isLeader || leader.leaderEpoch !== state.leaderEpoch) return;
  const asked = leader.pendingChange;
  // A batch may have changed the partition before the proposal was decided, or after it.
  const isDecided = asked !== undefined && asked.partitionEpoch >= before.partitionEpoch;
  const named = isDecided ? asked.newInSyncReplicas : [];
  for (const id of state.inSyncReplicas) {
    if (before.inSyncReplicas.includes(id)) continue;
    const seen = named.find(({ brokerId }) => brokerId === id)?.brokerEpoch;
    const epoch = image.brokers.get(id)?.epoch ?? -1;
    if (seen === epoch || seen === -1) continue;
    history.violation(
      `${topic}-${state.partition}: broker ${id} joins as epoch ${epoch}; its leader asked for epoch ${seen ?? 'none'}`,
    );
  }
}

/** The replica on a process that the metadata speaks of, not of a predecessor or of one that is not registered yet. */
function replicaOf(
  cluster: SimCluster,
  image: MetadataImage,
  topic: string,
  { partition }: PartitionImage,
  id: number,
): Replica | undefined {
  if (id < 0) return undefined;
  const { running, state } = cluster.node(id);
  const epoch = image.brokers.get(id)?.epoch;
  if (running === undefined || state !== 'running' || running.brokerEpoch() !== epoch) return undefined;
  return running.broker.replicas.get(topic, partition);
}
