/** Brokers: registered, fenced and unfenced; and the partitions that follow from it. */
import {
  type BrokerImage,
  type MetadataImage,
  type MetadataRecord,
  NO_LEADER_CHANGE,
  type PartitionImage,
} from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type ApiError, apiError, type Decision } from './decision.ts';

export interface Registration {
  readonly brokerId: number;
  readonly incarnationId: string;
  readonly endpoints: BrokerImage['endpoints'];
  readonly rack: string | null;
  readonly directories: readonly string[];
}

/**
 * A broker that starts. The offset of this record becomes its epoch, so the record itself says -1. It starts fenced,
 * and is unfenced when it has caught up with its own registration.
 */
export function registerBroker(image: MetadataImage, registration: Registration): Decision<ApiError> {
  const known = image.brokers.get(registration.brokerId);
  if (known !== undefined && !known.isFenced && known.incarnationId === registration.incarnationId) {
    return { records: [], result: apiError(ErrorCode.NONE) };
  }
  const record: MetadataRecord = {
    kind: 'RegisterBroker',
    brokerId: registration.brokerId,
    isMigratingZkBroker: false,
    incarnationId: registration.incarnationId,
    brokerEpoch: -1,
    endPoints: registration.endpoints.map((endpoint) => ({ ...endpoint, securityProtocol: 0 })),
    features: [],
    rack: registration.rack,
    fenced: true,
    inControlledShutdown: false,
    logDirs: [...registration.directories],
    cordonedLogDirs: null,
  };
  return { records: [record], result: apiError(ErrorCode.NONE) };
}

/** The broker serves from now on: partitions without a leader that it may lead get one. */
export function unfenceBroker(image: MetadataImage, brokerId: number, brokerEpoch: number): Decision<ApiError> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) return { records: [], result: apiError(ErrorCode.BROKER_ID_NOT_REGISTERED) };
  if (broker.epoch !== brokerEpoch) return { records: [], result: apiError(ErrorCode.STALE_BROKER_EPOCH) };
  if (!broker.isFenced) return { records: [], result: apiError(ErrorCode.NONE) };
  const records: MetadataRecord[] = [registrationChange(broker, { fenced: -1 })];
  for (const topic of image.topicsById.values()) {
    for (const partition of topic.partitions) {
      const change = electOnReturn(topic.id, partition, brokerId);
      if (change !== undefined) records.push(change);
    }
  }
  return { records, result: apiError(ErrorCode.NONE) };
}

function registrationChange(
  broker: BrokerImage,
  change: { fenced?: number; inControlledShutdown?: number },
): MetadataRecord {
  return {
    kind: 'BrokerRegistrationChange',
    brokerId: broker.id,
    brokerEpoch: broker.epoch,
    fenced: change.fenced ?? 0,
    inControlledShutdown: change.inControlledShutdown ?? 0,
    logDirs: [],
    cordonedLogDirs: null,
  };
}

/**
 * A sole in-sync replica that comes back leads again, under a new epoch: what it was before is over, and requests of
 * that time must be fenced.
 */
function electOnReturn(topicId: string, partition: PartitionImage, brokerId: number): MetadataRecord | undefined {
  const isSoleInSync = partition.inSyncReplicas.length === 1 && partition.inSyncReplicas[0] === brokerId;
  const mayLead = partition.leader === brokerId || partition.leader === -1;
  if (!isSoleInSync || !mayLead) return undefined;
  return {
    kind: 'PartitionChange',
    partitionId: partition.partition,
    topicId,
    isr: null,
    leader: brokerId,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    directories: null,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  };
}

export interface Election {
  readonly topic: string;
  readonly partition: number;
}

export interface Elected extends ApiError, Election {}

const PREFERRED = 0;

/** ElectLeaders: gives partitions their preferred leader, or any replica at all where the caller accepts loss. */
export function electLeaders(
  image: MetadataImage,
  electionType: number,
  wanted: readonly Election[] | null,
): Decision<Elected[]> {
  const targets =
    wanted ??
    [...image.topicsByName.values()].flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    );
  const records: MetadataRecord[] = [];
  const result: Elected[] = [];
  for (const target of targets) {
    const outcome = electOne(image, electionType, target);
    if ('record' in outcome) records.push(outcome.record);
    const error = 'record' in outcome ? apiError(ErrorCode.NONE) : outcome;
    // Asked for everything, the caller wants to hear only of what was done or could not be.
    if (wanted === null && error.errorCode === ErrorCode.ELECTION_NOT_NEEDED) continue;
    result.push({ ...target, ...error });
  }
  return { records, result };
}

function electOne(image: MetadataImage, electionType: number, target: Election): ApiError | { record: MetadataRecord } {
  const topic = image.topicsByName.get(target.topic);
  const partition = topic?.partitions[target.partition];
  if (topic === undefined || partition === undefined) {
    return apiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `No such partition as ${target.topic}-${target.partition}`);
  }
  const isAlive = (id: number): boolean => image.brokers.get(id)?.isFenced === false;
  let leader: number | undefined;
  if (electionType === PREFERRED) {
    const [preferred] = partition.replicas;
    if (partition.leader === preferred) return apiError(ErrorCode.ELECTION_NOT_NEEDED);
    leader =
      preferred !== undefined && partition.inSyncReplicas.includes(preferred) && isAlive(preferred)
        ? preferred
        : undefined;
    if (leader === undefined) return apiError(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE);
  } else {
    if (partition.leader !== -1) return apiError(ErrorCode.ELECTION_NOT_NEEDED);
    leader = partition.inSyncReplicas.find(isAlive) ?? partition.replicas.find(isAlive);
    if (leader === undefined) return apiError(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE);
  }
  const isUnclean = !partition.inSyncReplicas.includes(leader);
  return {
    record: {
      kind: 'PartitionChange',
      partitionId: partition.partition,
      topicId: topic.id,
      isr: isUnclean ? [leader] : null,
      leader: leader === partition.leader ? NO_LEADER_CHANGE : leader,
      replicas: null,
      removingReplicas: null,
      addingReplicas: null,
      leaderRecoveryState: isUnclean ? 1 : -1,
      directories: null,
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    },
  };
}
