/**
 * Brokers come and go, and the partitions that follow from it.
 *
 * A broker that goes may leave thousands of partitions. What does not fit one batch is decided in parts, and the record
 * that completes it (the fence, the registration) is in the last: a controller that dies in between leaves a broker
 * that still counts as alive, and the next one finds out again that it is not.
 */
import type {
  BrokerImage,
  EndpointImage,
  FeatureRange,
  MetadataImage,
  MetadataRecord,
  PartitionImage,
  TopicImage,
} from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { ZERO_UUID } from '../std/mod.ts';
import { type ApiError, apiError, type Decision } from './decision.ts';
import { directoryOf, spread } from './directories.ts';
import { type ElectionRules, rulesOf } from './election-rules.ts';
import { unsupportedFeature } from './features.ts';
import { NO_LEADER, type PartitionTarget, planPartitionChange } from './partition-change.ts';

/** About 64 KiB of changes: what a store takes in a few milliseconds. */
const CHANGES_PER_BATCH = 1500;

export interface Registration {
  readonly brokerId: number;
  readonly incarnationId: string;
  readonly endpoints: readonly EndpointImage[];
  readonly rack: string | null;
  readonly directories: readonly string[];
  readonly features: readonly FeatureRange[];
  /** The epoch under which it shut down cleanly; -1 when it did not, or never ran. */
  readonly previousEpoch: number;
}

/**
 * A broker that starts. The offset of this record becomes its epoch, so the record itself says -1. It starts fenced,
 * and is unfenced when it has caught up with its own registration.
 *
 * A process that did not end cleanly may have lost what it had acknowledged but not synced, so it leaves every in-sync
 * set and every set of eligible leaders first (KIP-966); one whose disk is gone does not even count for having led
 * last.
 */
export function registerBroker(
  image: MetadataImage,
  registration: Registration,
  options: { readonly rules: ElectionRules; readonly hasSession: boolean },
): Decision<ApiError> {
  const { brokerId, incarnationId, directories } = registration;
  const known = image.brokers.get(brokerId);
  if (known?.incarnationId === incarnationId) return { records: [], result: apiError(ErrorCode.NONE) };
  const refusal = registrationProblem(image, known, registration, options.hasSession);
  if (refusal !== undefined) return { records: [], result: refusal };

  const isClean = known !== undefined && registration.previousEpoch === known.epoch;
  const hasLostDirectory = known?.directories.some((id) => !directories.includes(id)) ?? false;
  const changes = planChanges(image, (topic, partition) => {
    if (!partition.replicas.includes(brokerId)) return undefined;
    const directory = directoryOf(partition, brokerId);
    const isEmpty = directory === ZERO_UUID ? hasLostDirectory : !directories.includes(directory);
    const target: PartitionTarget = {
      inSyncReplicas: without(partition.inSyncReplicas, brokerId),
      ...(isClean ? {} : { uncleanReplicas: [brokerId] }),
      ...(isEmpty ? { uncleanReplicas: [brokerId], emptyReplicas: [brokerId] } : {}),
    };
    const rules = rulesOf(image, topic, options.rules, { leaving: brokerId });
    const chooseHere = (): string => spread(directories, topic.id, partition.partition);
    return planPartitionChange(partition, { ...rules, directoryOf: chooseHere }, target);
  });
  return completedBy(registrationRecord(registration), changes);
}

function registrationProblem(
  image: MetadataImage,
  known: BrokerImage | undefined,
  { brokerId, directories, features }: Registration,
  hasSession: boolean,
): ApiError | undefined {
  const unsupported = unsupportedFeature(image, features);
  if (unsupported !== undefined) return unsupported;
  // The lock on its folder says that the process before it is gone; without a common folder nothing says so.
  const isSuccessor = known?.directories.some((id) => directories.includes(id)) ?? false;
  if (known !== undefined && hasSession && !isSuccessor) {
    return apiError(
      ErrorCode.DUPLICATE_BROKER_REGISTRATION,
      `Broker ${brokerId} is registered, alive, and has other log directories than this one.`,
    );
  }
  for (const other of image.brokers.values()) {
    const shared = other.id === brokerId ? undefined : other.directories.find((id) => directories.includes(id));
    if (shared === undefined) continue;
    return apiError(
      ErrorCode.INVALID_REGISTRATION,
      `Log directory ${shared} belongs to broker ${other.id}: a data folder cannot change its broker.`,
    );
  }
  return undefined;
}

function registrationRecord(registration: Registration): MetadataRecord {
  return {
    kind: 'RegisterBroker',
    brokerId: registration.brokerId,
    isMigratingZkBroker: false,
    incarnationId: registration.incarnationId,
    brokerEpoch: -1,
    endPoints: registration.endpoints.map((endpoint) => ({ ...endpoint, securityProtocol: 0 })),
    features: [...registration.features],
    rack: registration.rack,
    fenced: true,
    inControlledShutdown: false,
    logDirs: [...registration.directories],
    cordonedLogDirs: null,
  };
}

/** The broker serves from now on: partitions without a leader that it may lead get one. */
export function unfenceBroker(
  image: MetadataImage,
  brokerId: number,
  brokerEpoch: number,
  rules: ElectionRules,
): Decision<ApiError> {
  const broker = brokerOf(image, brokerId, brokerEpoch);
  if ('errorCode' in broker) return { records: [], result: broker };
  const record = registrationChange(broker, { fenced: -1 });
  const elections = electLeaderless(image, rules, brokerId);
  return { ...elections, records: broker.isFenced ? [record, ...elections.records] : elections.records };
}

/** Partitions without a leader get one where somebody may lead. */
export function electLeaderless(image: MetadataImage, rules: ElectionRules, arriving?: number): Decision<ApiError> {
  const changes = planChanges(image, (topic, partition) => {
    if (partition.leader !== NO_LEADER) return undefined;
    return planPartitionChange(partition, rulesOf(image, topic, rules, arriving === undefined ? {} : { arriving }));
  });
  return { ...changes, result: apiError(ErrorCode.NONE) };
}

/** The broker is gone: it leaves every in-sync set, others lead what it led, and then it counts as fenced. */
export function fenceBroker(
  image: MetadataImage,
  brokerId: number,
  brokerEpoch: number,
  rules: ElectionRules,
): Decision<ApiError> {
  const broker = brokerOf(image, brokerId, brokerEpoch);
  if ('errorCode' in broker) return { records: [], result: broker };
  if (broker.isFenced) return { records: [], result: apiError(ErrorCode.NONE) };
  const changes = planDeparture(image, brokerId, rules);
  return completedBy(registrationChange(broker, { fenced: 1 }), changes);
}

/** The broker is about to stop: from the first record on nothing is given to it, and what it has moves away. */
export function beginShutdown(
  image: MetadataImage,
  brokerId: number,
  brokerEpoch: number,
  rules: ElectionRules,
): Decision<ApiError> {
  const broker = brokerOf(image, brokerId, brokerEpoch);
  if ('errorCode' in broker) return { records: [], result: broker };
  const changes = planDeparture(image, brokerId, rules);
  const records = broker.isShuttingDown
    ? changes.records
    : [registrationChange(broker, { inControlledShutdown: 1 }), ...changes.records];
  return { ...changes, records, result: apiError(ErrorCode.NONE) };
}

/** Forgets a broker that is gone for good; its replicas stay in their lists until somebody reassigns them. */
export function unregisterBroker(image: MetadataImage, brokerId: number, rules: ElectionRules): Decision<ApiError> {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) {
    const message = `Broker ID ${brokerId} is not currently registered`;
    return { records: [], result: apiError(ErrorCode.BROKER_ID_NOT_REGISTERED, message) };
  }
  const changes = planChanges(image, (topic, partition) => {
    const { inSyncReplicas, eligibleLeaderReplicas } = partition;
    if (!inSyncReplicas.includes(brokerId) && !eligibleLeaderReplicas.includes(brokerId)) return undefined;
    return planPartitionChange(partition, rulesOf(image, topic, rules, { leaving: brokerId }), {
      inSyncReplicas: without(inSyncReplicas, brokerId),
      uncleanReplicas: [brokerId],
    });
  });
  return completedBy({ kind: 'UnregisterBroker', brokerId, brokerEpoch: broker.epoch }, changes);
}

/** Whether the broker still leads some partition. */
export function leadsSomething(image: MetadataImage, brokerId: number): boolean {
  for (const topic of image.topicsById.values()) {
    for (const { leader } of topic.partitions) if (leader === brokerId) return true;
  }
  return false;
}

/** Checks that the caller speaks of the process that is registered. */
export function brokerOf(image: MetadataImage, brokerId: number, brokerEpoch: number): BrokerImage | ApiError {
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) return apiError(ErrorCode.BROKER_ID_NOT_REGISTERED);
  return broker.epoch === brokerEpoch ? broker : apiError(ErrorCode.STALE_BROKER_EPOCH);
}

function planDeparture(image: MetadataImage, brokerId: number, rules: ElectionRules): PartitionChanges {
  return planChanges(image, (topic, partition) => {
    if (!partition.inSyncReplicas.includes(brokerId) && partition.leader !== brokerId) return undefined;
    return planPartitionChange(partition, rulesOf(image, topic, rules, { leaving: brokerId }), {
      inSyncReplicas: without(partition.inSyncReplicas, brokerId),
    });
  });
}

/** The record that completes a change comes with the last part of it. */
export function completedBy(record: MetadataRecord, changes: PartitionChanges): Decision<ApiError> {
  const result = apiError(ErrorCode.NONE);
  return changes.isPartial ? { ...changes, result } : { records: [...changes.records, record], result };
}

export interface PartitionChanges {
  readonly records: readonly MetadataRecord[];
  readonly isPartial: boolean;
}

export function planChanges(
  image: MetadataImage,
  plan: (topic: TopicImage, partition: PartitionImage) => MetadataRecord | undefined,
): PartitionChanges {
  const records: MetadataRecord[] = [];
  for (const topic of image.topicsById.values()) {
    for (const partition of topic.partitions) {
      const record = plan(topic, partition);
      if (record === undefined) continue;
      if (records.length === CHANGES_PER_BATCH) return { records, isPartial: true };
      records.push(record);
    }
  }
  return { records, isPartial: false };
}

export function without(ids: readonly number[], id: number): readonly number[] {
  return ids.includes(id) ? ids.filter((each) => each !== id) : ids;
}

export function registrationChange(
  broker: BrokerImage,
  change: {
    readonly fenced?: number;
    readonly inControlledShutdown?: number;
    readonly directories?: readonly string[];
  },
): MetadataRecord {
  return {
    kind: 'BrokerRegistrationChange',
    brokerId: broker.id,
    brokerEpoch: broker.epoch,
    fenced: change.fenced ?? 0,
    inControlledShutdown: change.inControlledShutdown ?? 0,
    logDirs: [...(change.directories ?? [])],
    cordonedLogDirs: null,
  };
}
