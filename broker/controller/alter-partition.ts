/**
 * AlterPartition: a leader proposes a new in-sync set.
 *
 * It is taken only from the leader of the current leader epoch that knows the partition's latest state, and only with
 * members that are alive in the very incarnation that the leader saw fetch (KIP-841, KIP-903): a replica that restarted
 * since may have lost what made it a member. While the store should be spared (`growsFreely` is false), sets that have
 * enough members to be written to do not grow: leaders ask again a little later, and then for all at once.
 */
import type { MetadataImage, MetadataRecord, PartitionImage, RecordOf, TopicImage } from '../metadata/mod.ts';
import { NO_LEADER_CHANGE, neededInSync } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Decision } from './decision.ts';
import { directoryOf, hasDirectory } from './directories.ts';
import { type ElectionRules, rulesOf } from './election-rules.ts';
import { planPartitionChange } from './partition-change.ts';

export interface InSyncProposal {
  readonly topicId: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly inSyncReplicas: readonly { readonly brokerId: number; readonly brokerEpoch: number }[];
  readonly isRecovering: boolean;
}

export interface InSyncAnswer {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  /** The partition once the change is in the log; undefined beside an error. */
  readonly state?: {
    readonly leader: number;
    readonly leaderEpoch: number;
    readonly partitionEpoch: number;
    readonly inSyncReplicas: readonly number[];
    readonly isRecovering: boolean;
  };
}

export interface AlteredPartitions {
  readonly errorCode: number;
  readonly answers: readonly InSyncAnswer[];
}

export function alterPartitions(
  image: MetadataImage,
  request: { readonly brokerId: number; readonly brokerEpoch: number; readonly proposals: readonly InSyncProposal[] },
  rules: ElectionRules,
  growsFreely = true,
): Decision<AlteredPartitions> {
  if (image.brokers.get(request.brokerId)?.epoch !== request.brokerEpoch) {
    return { records: [], result: { errorCode: ErrorCode.STALE_BROKER_EPOCH, answers: [] } };
  }
  const records: MetadataRecord[] = [];
  const answers = request.proposals.map((proposal): InSyncAnswer => {
    const { topicId, partition: index } = proposal;
    const refused = (errorCode: number): InSyncAnswer => ({ topicId, partition: index, errorCode });
    const topic = image.topicsById.get(topicId);
    if (topic === undefined) return refused(ErrorCode.UNKNOWN_TOPIC_ID);
    const partition = topic.partitions[index];
    if (partition === undefined) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const problem = proposalProblem(image, partition, proposal, request.brokerId, rules);
    if (problem !== ErrorCode.NONE) return refused(problem);
    if (!growsFreely && mayWait(image, topic, partition, proposal, rules)) {
      return refused(ErrorCode.OPERATION_NOT_ATTEMPTED);
    }
    const record = planProposal(image, topic, partition, proposal, rules);
    if (record === undefined) return { topicId, partition: index, errorCode: ErrorCode.NONE, state: partition };
    records.push(record);
    // The change ended a reassignment in which the leader leaves: it must learn the rest from the metadata.
    const isMoved = record.leader !== NO_LEADER_CHANGE && record.leader !== request.brokerId;
    if (isMoved) return refused(ErrorCode.NEW_LEADER_ELECTED);
    return { topicId, partition: index, errorCode: ErrorCode.NONE, state: stateAfter(partition, record) };
  });
  return { records, result: { errorCode: ErrorCode.NONE, answers } };
}

function planProposal(
  image: MetadataImage,
  topic: TopicImage,
  partition: PartitionImage,
  { inSyncReplicas, isRecovering }: InSyncProposal,
  rules: ElectionRules,
): RecordOf<'PartitionChange'> | undefined {
  return planPartitionChange(partition, rulesOf(image, topic, rules), {
    inSyncReplicas: inSyncReplicas.map(({ brokerId }) => brokerId),
    isRecovering,
  });
}

/** Whether the proposal only adds members, to a set that can be written to without them. */
function mayWait(
  image: MetadataImage,
  topic: TopicImage,
  partition: PartitionImage,
  { inSyncReplicas }: InSyncProposal,
  rules: ElectionRules,
): boolean {
  const { inSyncReplicas: current } = partition;
  const proposed = new Set(inSyncReplicas.map(({ brokerId }) => brokerId));
  const onlyAdds = proposed.size > current.length && current.every((id) => proposed.has(id));
  return onlyAdds && current.length >= neededInSync(rules.minInSyncReplicas(image, topic), partition);
}

function proposalProblem(
  image: MetadataImage,
  partition: PartitionImage,
  { leaderEpoch, partitionEpoch, inSyncReplicas, isRecovering }: InSyncProposal,
  brokerId: number,
  rules: ElectionRules,
): number {
  // The leader knows more than this controller: another one has taken over.
  if (leaderEpoch > partition.leaderEpoch || partitionEpoch > partition.partitionEpoch) return ErrorCode.NOT_CONTROLLER;
  if (leaderEpoch < partition.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
  if (partition.leader !== brokerId) return ErrorCode.INVALID_REQUEST;
  if (partitionEpoch < partition.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION;
  const ids = inSyncReplicas.map((member) => member.brokerId);
  const isSound = new Set(ids).size === ids.length && ids.every((id) => partition.replicas.includes(id));
  if (!isSound || !ids.includes(brokerId)) return ErrorCode.INVALID_REQUEST;
  if (isRecovering && (ids.length > 1 || !partition.isRecovering)) return ErrorCode.INVALID_REQUEST;
  const isEligible = inSyncReplicas.every((member) => {
    const broker = image.brokers.get(member.brokerId);
    const isNew = !partition.inSyncReplicas.includes(member.brokerId);
    if (isNew && !hasRoom(image, partition, member.brokerId, rules)) return false;
    if (broker === undefined || broker.isFenced || broker.isShuttingDown || rules.dying.has(broker.id)) return false;
    return member.brokerEpoch === -1 || member.brokerEpoch === broker.epoch;
  });
  return isEligible ? ErrorCode.NONE : ErrorCode.INELIGIBLE_REPLICA;
}

/** A replica that comes back must be able to take what is written next. */
function hasRoom(image: MetadataImage, partition: PartitionImage, brokerId: number, rules: ElectionRules): boolean {
  return hasDirectory(image, partition, brokerId) && !rules.fullDirectories.has(directoryOf(partition, brokerId));
}

function stateAfter(partition: PartitionImage, change: RecordOf<'PartitionChange'>): InSyncAnswer['state'] & object {
  const hasNewEpoch = change.leader !== NO_LEADER_CHANGE;
  return {
    leader: partition.leader,
    leaderEpoch: partition.leaderEpoch + (hasNewEpoch ? 1 : 0),
    partitionEpoch: partition.partitionEpoch + 1,
    inSyncReplicas: change.isr ?? partition.inSyncReplicas,
    isRecovering: change.leaderRecoveryState === -1 ? partition.isRecovering : change.leaderRecoveryState === 1,
  };
}
