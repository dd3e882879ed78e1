/**
 * What a heartbeat comes to: a fenced broker that has caught up serves, one that wants to stop gives its leaders away
 * and may stop once everybody else knows who leads instead, and one whose disks fail or are full gives away what is on
 * them.
 */
import type { MetadataImage } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { beginShutdown, fenceBroker, leadsSomething, unfenceBroker } from './brokers.ts';
import type { Decision } from './decision.ts';
import type { ElectionRules } from './election-rules.ts';
import { directoriesFailed, handOver } from './lost-directories.ts';

export interface Heartbeat {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  /** The first offset of the metadata log that the broker has not applied. */
  readonly metadataOffset: number;
  readonly wantsFence: boolean;
  readonly wantsShutdown: boolean;
  /** Log folders, by their ids, that failed since the broker registered. */
  readonly failedDirectories: readonly string[];
  /** Those that have no room at the moment. */
  readonly fullDirectories: readonly string[];
}

export interface HeartbeatAnswer {
  readonly errorCode: number;
  readonly isCaughtUp: boolean;
  readonly isFenced: boolean;
  readonly mayStop: boolean;
}

export interface HeartbeatContext {
  readonly rules: ElectionRules;
  /** How far the slowest of the other serving brokers has read. */
  readonly lowestOffset: number;
  /** The end of the log when this broker's leaders had moved; asked only once they have. */
  readonly shutdownOffset: (logEnd: number) => number;
}

export function decideHeartbeat(
  image: MetadataImage,
  heartbeat: Heartbeat,
  context: HeartbeatContext,
): Decision<HeartbeatAnswer> {
  const { brokerId, brokerEpoch, wantsFence, wantsShutdown } = heartbeat;
  const broker = image.brokers.get(brokerId);
  const answer = (change: Partial<HeartbeatAnswer>): HeartbeatAnswer => ({
    errorCode: ErrorCode.NONE,
    isCaughtUp: heartbeat.metadataOffset > brokerEpoch,
    isFenced: broker?.isFenced ?? true,
    mayStop: false,
    ...change,
  });
  if (broker === undefined) return { records: [], result: answer({ errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED }) };
  if (broker.epoch !== brokerEpoch) return { records: [], result: answer({ errorCode: ErrorCode.STALE_BROKER_EPOCH }) };

  const failed = directoriesFailed(image, brokerId, brokerEpoch, heartbeat.failedDirectories, context.rules);
  if (failed.records.length > 0) return { ...failed, result: answer({}) };
  if (broker.isFenced) {
    if (wantsShutdown) return { records: [], result: answer({ mayStop: true }) };
    // The broker's epoch is the offset of its registration: having applied that, it knows what it may and may not lead.
    if (wantsFence || heartbeat.metadataOffset <= brokerEpoch) return { records: [], result: answer({}) };
    return { ...unfenceBroker(image, brokerId, brokerEpoch, context.rules), result: answer({ isFenced: false }) };
  }
  if (wantsFence) {
    const fenced = fenceBroker(image, brokerId, brokerEpoch, context.rules);
    return { ...fenced, result: answer({ isFenced: true, mayStop: wantsShutdown }) };
  }
  if (!wantsShutdown) {
    return { ...handOver(image, brokerId, heartbeat.fullDirectories, context.rules), result: answer({}) };
  }
  if (!broker.isShuttingDown || leadsSomething(image, brokerId)) {
    const begun = beginShutdown(image, brokerId, brokerEpoch, context.rules);
    if (begun.records.length > 0) return { ...begun, result: answer({}) };
  }
  if (context.lowestOffset < context.shutdownOffset(image.nextOffset)) return { records: [], result: answer({}) };
  const fenced = fenceBroker(image, brokerId, brokerEpoch, context.rules);
  return { ...fenced, result: answer({ isFenced: true, mayStop: true }) };
}
