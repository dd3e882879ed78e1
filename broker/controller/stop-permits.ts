/**
 * The permit to stop: no broker is restarted while that would leave some partition with fewer in-sync replicas than it
 * needs.
 *
 * A permit belongs to one incarnation of a broker, and to its pod where it runs in one. Whoever holds one may be gone
 * at any moment, so for everybody else's request it counts as gone. It ends by state, never by time: when a later
 * incarnation is back in every in-sync set, or when its holder says that it does not stop after all. It stands in the
 * metadata log, so that it is decided on the same image as in-sync sets and reassignments.
 */
import type { MetadataImage, MetadataRecord, PartitionImage, StopPermitImage, TopicImage } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type ApiError, apiError, type Decision } from './decision.ts';
import type { TopicRules } from './election-rules.ts';

/** Partitions that are named in an answer; the rest is counted. */
const NAMED_MAX = 100;

export interface AffectedPartition {
  readonly topic: string;
  readonly partition: number;
  /** Replicas in sync now. */
  readonly inSyncReplicas: number;
  readonly minInSyncReplicas: number;
  /** Has no more replicas than it needs in sync: no restart can spare it, so it holds none up. */
  readonly isUnsparable: boolean;
}

export interface StopImpact {
  readonly leaders: number;
  readonly replicas: number;
  readonly outOfSync: number;
  readonly blockingCount: number;
  readonly unsparableCount: number;
  /** The first of both, blocking ones first. */
  readonly partitions: readonly AffectedPartition[];
}

/** What would become of the broker's partitions if it, and everybody who may stop already, were gone. */
export function stopImpact(image: MetadataImage, brokerId: number, rules: TopicRules): StopImpact {
  const gone = new Set([brokerId, ...image.stopPermits.keys()]);
  const blocking: AffectedPartition[] = [];
  const unsparable: AffectedPartition[] = [];
  let leaders = 0;
  let replicas = 0;
  let outOfSync = 0;
  let blockingCount = 0;
  let unsparableCount = 0;
  for (const topic of image.topicsById.values()) {
    const minInSyncReplicas = rules.minInSyncReplicas(image, topic);
    for (const partition of topic.partitions) {
      if (!partition.replicas.includes(brokerId)) continue;
      replicas += 1;
      if (partition.leader === brokerId) leaders += 1;
      if (!partition.inSyncReplicas.includes(brokerId)) {
        outOfSync += 1;
        continue;
      }
      const left = partition.inSyncReplicas.filter((id) => !gone.has(id)).length;
      if (left >= minInSyncReplicas) continue;
      const isUnsparable = partition.replicas.length <= minInSyncReplicas;
      const affected = describe(topic, partition, minInSyncReplicas, isUnsparable);
      if (isUnsparable) unsparableCount += 1;
      else blockingCount += 1;
      const list = isUnsparable ? unsparable : blocking;
      if (list.length < NAMED_MAX) list.push(affected);
    }
  }
  const partitions = [...blocking, ...unsparable].slice(0, NAMED_MAX);
  return { leaders, replicas, outOfSync, blockingCount, unsparableCount, partitions };
}

function describe(
  topic: TopicImage,
  partition: PartitionImage,
  minInSyncReplicas: number,
  isUnsparable: boolean,
): AffectedPartition {
  return {
    topic: topic.name,
    partition: partition.partition,
    inSyncReplicas: partition.inSyncReplicas.length,
    minInSyncReplicas,
    isUnsparable,
  };
}

export interface StopPermitRequest {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly podUid: string | null;
}

export interface StopPermitAnswer extends ApiError {
  readonly isGranted: boolean;
  readonly blockingCount: number;
  readonly blocking: readonly AffectedPartition[];
}

export function requestStopPermit(
  image: MetadataImage,
  request: StopPermitRequest,
  rules: TopicRules,
): Decision<StopPermitAnswer> {
  const { brokerId, brokerEpoch, podUid } = request;
  const broker = image.brokers.get(brokerId);
  if (broker === undefined) return refused(apiError(ErrorCode.BROKER_ID_NOT_REGISTERED));
  if (broker.epoch !== brokerEpoch) return refused(apiError(ErrorCode.STALE_BROKER_EPOCH));
  const held = image.stopPermits.get(brokerId);
  if (held?.brokerEpoch === brokerEpoch) return isOfPod(held, podUid) ? granted([]) : ofAnotherPod(brokerId);
  const { blockingCount, partitions } = stopImpact(image, brokerId, rules);
  if (blockingCount > 0) {
    const blocking = partitions.filter(({ isUnsparable }) => !isUnsparable);
    const [first] = blocking;
    const message =
      `Stopping broker ${brokerId} would leave ${blockingCount} partition(s) below min.insync.replicas, ` +
      `${first?.topic}-${first?.partition} among them.`;
    return {
      records: [],
      result: { ...apiError(ErrorCode.NONE, message), isGranted: false, blockingCount, blocking },
    };
  }
  return granted([{ kind: 'StopPermit', brokerId, brokerEpoch, podUid, isGranted: true }]);
}

/** The holder does not stop after all. Only its own incarnation, in its own pod, can say so. */
export function releaseStopPermit(image: MetadataImage, request: StopPermitRequest): Decision<StopPermitAnswer> {
  const { brokerId, brokerEpoch, podUid } = request;
  if (image.brokers.get(brokerId)?.epoch !== brokerEpoch) return refused(apiError(ErrorCode.STALE_BROKER_EPOCH));
  const held = image.stopPermits.get(brokerId);
  if (held?.brokerEpoch !== brokerEpoch) return refused(apiError(ErrorCode.NONE));
  if (!isOfPod(held, podUid)) return ofAnotherPod(brokerId);
  return { ...refused(apiError(ErrorCode.NONE)), records: [release(brokerId, brokerEpoch, podUid)] };
}

/** Outside of Kubernetes nobody names a pod. */
function isOfPod({ podUid: held }: StopPermitImage, podUid: string | null): boolean {
  return held === null || podUid === null || held === podUid;
}

function ofAnotherPod(brokerId: number): Decision<StopPermitAnswer> {
  return refused(apiError(ErrorCode.INVALID_REQUEST, `The permit of broker ${brokerId} belongs to another pod.`));
}

/** Permits whose broker is back: a later incarnation that serves and is in sync wherever it has a replica. */
export function endedStopPermits(image: MetadataImage): Decision<number> {
  const records: MetadataRecord[] = [];
  for (const [brokerId, { brokerEpoch, podUid }] of image.stopPermits) {
    const broker = image.brokers.get(brokerId);
    const isGoneForGood = broker === undefined;
    const isBack = broker !== undefined && broker.epoch !== brokerEpoch && !broker.isFenced && !broker.isShuttingDown;
    if (isGoneForGood || (isBack && isInSyncEverywhere(image, brokerId))) {
      records.push(release(brokerId, brokerEpoch, podUid));
    }
  }
  return { records, result: records.length };
}

function isInSyncEverywhere(image: MetadataImage, brokerId: number): boolean {
  for (const topic of image.topicsById.values()) {
    for (const { replicas, inSyncReplicas } of topic.partitions) {
      if (replicas.includes(brokerId) && !inSyncReplicas.includes(brokerId)) return false;
    }
  }
  return true;
}

function release(brokerId: number, brokerEpoch: number, podUid: string | null): MetadataRecord {
  return { kind: 'StopPermit', brokerId, brokerEpoch, podUid, isGranted: false };
}

function granted(records: readonly MetadataRecord[]): Decision<StopPermitAnswer> {
  return { records, result: { ...apiError(ErrorCode.NONE), isGranted: true, blockingCount: 0, blocking: [] } };
}

function refused(error: ApiError): Decision<StopPermitAnswer> {
  return { records: [], result: { ...error, isGranted: false, blockingCount: 0, blocking: [] } };
}
