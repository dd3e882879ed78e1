/**
 * The coordination store: the only state that brokers share. Everything above it is the same on all of them.
 *
 * Its one primitive is `append`: it takes an offset once, for ever, even after the batch was trimmed. That, and not the
 * lease, is what keeps the metadata safe; the lease only says who should try.
 */
import { BrokerError } from '../std/mod.ts';
import type { LeaseElection } from './lease-election.ts';
import type { WriteBudget } from './write-budget.ts';

/** A store refuses a larger batch: an object of Kubernetes holds little more, and size is latency. */
export const BATCH_BYTES_MAX = 512 * 1024;

export interface StoredBatch {
  readonly offset: number;
  readonly payload: Buffer;
}

export interface Lease {
  /** Empty when the lease was given up. */
  readonly holder: string;
  /** Grows with every change of holder. */
  readonly epoch: number;
  /** How long the holder may go without renewing. Everybody counts it on a clock of their own: see LeaseElection. */
  readonly durationMs: number;
  /** Another one after every write, renewals included. Only equality means anything. */
  readonly version: string;
}

export interface SnapshotName {
  readonly controllerEpoch: number;
  /** The first offset that the snapshot does not cover. */
  readonly offset: number;
}

export interface Snapshot extends SnapshotName {
  readonly chunks: readonly Buffer[];
}

/** Rejections are BrokerErrors: `store.unavailable` (the outcome is unknown), `store.conflict` (it did not happen). */
export interface CoordinationStore {
  /** What may still be written before changes that can wait should wait. */
  readonly writeBudget: WriteBudget;

  /** Who should try to be the controller. */
  readonly leases: LeaseElection;

  /**
   * Writes the batch of one offset. `store.conflict` when the offset was ever taken or is not the next; with
   * `snapshotBelow` in its context when the store has no room before a snapshot covers all below that offset.
   * `store.tooLarge` beyond BATCH_BYTES_MAX.
   */
  append(offset: number, payload: Buffer): Promise<void>;
  /** Batches from `offset` on, in order, at most `max`. `store.conflict` when `offset` was trimmed and is gone. */
  read(offset: number, max: number): Promise<StoredBatch[]>;
  /** The first offset that was never taken, read past every cache. */
  end(): Promise<number>;
  /**
   * Calls `changed` soon after batches may have been appended or the lease may have changed hands; a hint, which may be
   * late, doubled or missing.
   */
  watch(changed: () => void): () => void;

  /**
   * Stores the chunks, then moves the manifest; refuses with `store.conflict` to move it back. Keeps the previous one.
   */
  writeSnapshot(snapshot: Snapshot): Promise<void>;
  readSnapshot(): Promise<Snapshot | undefined>;
  /** Allows the batches below `offset` to go; their offsets stay taken. */
  trim(offset: number): Promise<void>;
  close(): Promise<void>;
}

/** Orders snapshots: the one that covers more is newer, then the one of the later controller. */
export function isNewerSnapshot(a: SnapshotName, b: SnapshotName): boolean {
  return a.offset > b.offset || (a.offset === b.offset && a.controllerEpoch > b.controllerEpoch);
}

export function offsetConflict(offset: number, end: number): BrokerError {
  return new BrokerError('store.conflict', `offset ${offset} cannot be used, the log ends at ${end}`, {
    context: { offset, end },
  });
}

export function snapshotConflict(offered: SnapshotName, present: SnapshotName): BrokerError {
  return new BrokerError('store.conflict', 'a snapshot that is not older is there', {
    context: { offset: offered.offset, presentOffset: present.offset },
  });
}

/** The store has no room for the next batch while no snapshot covers the one that it would replace. */
export function snapshotMissing(replaced: number): BrokerError {
  return new BrokerError('store.conflict', `no snapshot covers batch ${replaced}, whose place the next one takes`, {
    context: { snapshotBelow: replaced + 1 },
  });
}

export function checkBatchSize(payload: Buffer): void {
  if (payload.length <= BATCH_BYTES_MAX) return;
  throw new BrokerError(
    'store.tooLarge',
    `a metadata batch of ${payload.length} bytes is beyond the ${BATCH_BYTES_MAX} bytes that a store takes`,
    { context: { sizeBytes: payload.length, maxBytes: BATCH_BYTES_MAX } },
  );
}

export function unavailable(what: string, cause?: unknown): BrokerError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new BrokerError('store.unavailable', `${what}${reason}`, { retriable: true, cause });
}
