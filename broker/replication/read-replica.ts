/**
 * Which replica a consumer should read from (KIP-392): one in its own rack, if that is in sync and has what the
 * consumer asks for. This is Kafka's RackAwareReplicaSelector.
 */
export interface ReadCandidate {
  readonly nodeId: number;
  readonly rack: string | null;
  readonly logEndOffset: number;
  readonly lastCaughtUpMs: number;
}

/** The broker to read from instead of the leader; undefined when the leader is the right one. */
export function selectReadReplica(
  clientRack: string,
  leaderRack: string | null,
  inSyncFollowers: Iterable<ReadCandidate>,
): number | undefined {
  if (clientRack === '' || clientRack === leaderRack) return undefined;
  let best: ReadCandidate | undefined;
  for (const candidate of inSyncFollowers) {
    if (candidate.rack !== clientRack) continue;
    if (best === undefined || compare(candidate, best) > 0) best = candidate;
  }
  return best?.nodeId;
}

/** The further along the better; then the one that was caught up last, then the lower id. */
function compare(left: ReadCandidate, right: ReadCandidate): number {
  return (
    left.logEndOffset - right.logEndOffset || left.lastCaughtUpMs - right.lastCaughtUpMs || right.nodeId - left.nodeId
  );
}
