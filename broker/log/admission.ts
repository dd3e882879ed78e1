/** Which batches a log takes, and what it writes into their headers as it takes them. Decisions only. */
import {
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchCrc,
  batchIsControl,
  batchLastOffset,
  batchLastOffsetDelta,
  batchMagic,
  batchProducerEpoch,
  batchProducerId,
  batchSizeBytes,
  computeBatchCrc,
  resealBatch,
  setBatchAttributes,
  setBatchBaseOffset,
  setBatchMaxTimestamp,
  setBatchPartitionLeaderEpoch,
} from '../protocol/mod.ts';
import { LOG_APPEND_TIME_ATTRIBUTE, type RecordError, validateBatch } from './batch-validator.ts';
import type { LogConfig } from './log-config.ts';
import { type ProducerStates, readMarker, type SequenceVerdict } from './producer-state.ts';

export interface LeaderAppendOptions {
  readonly leaderEpoch: number;
  readonly origin: 'client' | 'coordinator';
  readonly produceVersion: number;
  readonly requiredAcks?: number;
  /** Transactions v2: a producer without state starts at sequence 0, and a marker carries a bumped epoch. */
  readonly isTransactionV2?: boolean;
}

export type Admission =
  | {
      readonly kind: 'refuse';
      readonly errorCode: number;
      readonly message: string;
      readonly recordErrors?: readonly RecordError[] | undefined;
    }
  /** The producer sent it before: it is answered with what the original got. */
  | { readonly kind: 'duplicate'; readonly baseOffset: number; readonly lastOffset: number; readonly timestamp: number }
  | { readonly kind: 'accept'; readonly batch: Buffer; readonly appendTimeMs: number };

export function admitBatch(
  batch: Buffer,
  options: LeaderAppendOptions & {
    readonly config: LogConfig;
    readonly nowMs: number;
    readonly producers: ProducerStates;
  },
): Admission {
  const validation = validateBatch(batch, options);
  if (validation.kind === 'refuse') return validation;
  const verdict = checkProducer(validation.batch, options.producers, options.isTransactionV2 ?? false);
  if (verdict.kind === 'refuse') return verdict;
  if (verdict.kind === 'accept') return validation;
  const { lastOffset, offsetDelta, timestamp } = verdict.batch;
  // Kafka answers a duplicate with the timestamp of the original, whatever the type of timestamps is.
  return { kind: 'duplicate', baseOffset: lastOffset - offsetDelta, lastOffset, timestamp };
}

function checkProducer(batch: Buffer, producers: ProducerStates, isTransactionV2: boolean): SequenceVerdict {
  if (!batchIsControl(batch, 0)) return producers.check(batch, 0, { mustStartAtZero: isTransactionV2 });
  const marker = readMarker(batch, 0);
  if (marker === undefined) return { kind: 'accept' };
  const epoch = batchProducerEpoch(batch, 0);
  return producers.checkMarker(batchProducerId(batch, 0), epoch, marker, { mustBumpEpoch: isTransactionV2 });
}

/** What the leader says of a batch, where it stands in the arena. */
export function stampBatch(
  buffer: Buffer,
  at: number,
  stamp: { readonly baseOffset: number; readonly leaderEpoch: number; readonly appendTimeMs: number },
): void {
  setBatchBaseOffset(buffer, at, stamp.baseOffset);
  setBatchPartitionLeaderEpoch(buffer, at, stamp.leaderEpoch);
  if (stamp.appendTimeMs < 0) return;
  setBatchAttributes(buffer, at, batchAttributes(buffer, at) | LOG_APPEND_TIME_ATTRIBUTE);
  setBatchMaxTimestamp(buffer, at, stamp.appendTimeMs);
  resealBatch(buffer, at);
}

/** Why a follower may not take what it fetched; undefined when it may. */
export function followerProblem(records: Buffer, expectedOffset: number): string | undefined {
  let expected = expectedOffset;
  for (let at = 0; at + BATCH_HEADER_BYTES <= records.length; ) {
    const sizeBytes = batchSizeBytes(records, at);
    if (sizeBytes < BATCH_HEADER_BYTES || batchMagic(records, at) !== 2) return 'not a record batch';
    if (at + sizeBytes > records.length) return undefined;
    if (computeBatchCrc(records, at) !== batchCrc(records, at)) return 'a batch does not match its checksum';
    const baseOffset = batchBaseOffset(records, at);
    if (baseOffset < expected) return `a batch at offset ${baseOffset} came where ${expected} was expected`;
    if (batchLastOffsetDelta(records, at) < 0) return 'a batch ends before it begins';
    expected = batchLastOffset(records, at) + 1;
    at += sizeBytes;
  }
  return undefined;
}
