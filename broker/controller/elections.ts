/** Leaders on request: the preferred one, or any at all where the caller accepts loss (KIP-460). */
import type { MetadataImage, MetadataRecord } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type ApiError, apiError, type Decision, refuseExcess } from './decision.ts';
import { type ElectionRules, rulesOf } from './election-rules.ts';
import { NO_LEADER, planPartitionChange } from './partition-change.ts';

/** Elections of one round of balancing: many at once would make every client look up its leaders at the same time. */
const BALANCED_PER_ROUND = 1000;

export interface ElectionTarget {
  readonly topic: string;
  readonly partition: number;
}

export interface Elected extends ApiError, ElectionTarget {}

export type ElectionType = 'preferred' | 'unclean';

export function electLeaders(
  image: MetadataImage,
  electionType: ElectionType,
  wanted: readonly ElectionTarget[] | null,
  rules: ElectionRules,
): Decision<Elected[]> {
  const targets =
    wanted ??
    [...image.topicsByName.values()].flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    );
  const records: MetadataRecord[] = [];
  const result: Elected[] = [];
  for (const target of targets) {
    const outcome = electOne(image, electionType, target, rules);
    if ('record' in outcome) records.push(outcome.record);
    refuseExcess(records.length);
    const error = 'record' in outcome ? apiError(ErrorCode.NONE) : outcome;
    // Asked for everything, the caller wants to hear only of what was done or could not be.
    if (wanted === null && error.errorCode === ErrorCode.ELECTION_NOT_NEEDED) continue;
    result.push({ ...target, ...error });
  }
  return { records, result };
}

function electOne(
  image: MetadataImage,
  election: ElectionType,
  target: ElectionTarget,
  rules: ElectionRules,
): ApiError | { record: MetadataRecord } {
  const topic = image.topicsByName.get(target.topic);
  const partition = topic?.partitions[target.partition];
  if (topic === undefined || partition === undefined) {
    return apiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${target.topic}-${target.partition}`);
  }
  const isNeeded =
    election === 'preferred' ? partition.leader !== partition.replicas[0] : partition.leader === NO_LEADER;
  if (!isNeeded) return apiError(ErrorCode.ELECTION_NOT_NEEDED);
  const record = planPartitionChange(partition, rulesOf(image, topic, rules, { election }));
  if (record !== undefined) return { record };
  return apiError(
    election === 'preferred' ? ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE : ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
  );
}

/** Leaders go back to their preferred replicas where these are in sync; at most a bounded number a round. */
export function balanceLeaders(image: MetadataImage, rules: ElectionRules): Decision<number> {
  const records: MetadataRecord[] = [];
  for (const topic of image.topicsById.values()) {
    for (const partition of topic.partitions) {
      const [preferred] = partition.replicas;
      if (partition.leader === preferred || preferred === undefined) continue;
      if (!partition.inSyncReplicas.includes(preferred)) continue;
      const record = planPartitionChange(partition, rulesOf(image, topic, rules, { election: 'preferred' }));
      if (record === undefined) continue;
      records.push(record);
      if (records.length === BALANCED_PER_ROUND) return { records, result: records.length };
    }
  }
  return { records, result: records.length };
}
