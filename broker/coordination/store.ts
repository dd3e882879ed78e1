/**
 * The coordination store: the only state that brokers share. Everything above it is the same on all of them.
 *
 * Its one primitive is `append`: it takes an offset once, for ever, even after the batch was trimmed. That, and not the
 * lease, is what keeps the metadata safe; the lease only says who should try.
 */
export interface StoredBatch {
  readonly offset: number;
  readonly payload: Buffer;
}

export interface Lease {
  readonly holder: string;
  /** Grows with every change of holder. */
  readonly epoch: number;
  /** By the clock of the store. */
  readonly untilMs: number;
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
  /**
   * Takes the lease, or renews it, when it is free, expired or held by `holder`; returns the lease as it then stands.
   */
  acquireLease(holder: string, durationMs: number): Promise<Lease>;
  /** Gives the lease up early; silent when another holds it. */
  releaseLease(holder: string): Promise<void>;
  readLease(): Promise<Lease | undefined>;

  /** Writes the batch of one offset. `store.conflict` when the offset was ever taken. */
  append(offset: number, payload: Buffer): Promise<void>;
  /** Batches from `offset` on, in order, at most `max`. `store.conflict` when `offset` was trimmed. */
  read(offset: number, max: number): Promise<StoredBatch[]>;
  /** The first offset that was never taken, read past every cache. */
  end(): Promise<number>;
  /** Calls `changed` soon after batches may have been appended; a hint, which may be late, doubled or missing. */
  watch(changed: () => void): () => void;

  /**
   * Stores the chunks, then moves the manifest; refuses with `store.conflict` to move it back. Keeps the previous one.
   */
  writeSnapshot(snapshot: Snapshot): Promise<void>;
  readSnapshot(): Promise<Snapshot | undefined>;
  /** Frees the batches below `offset`; their offsets stay taken. */
  trim(offset: number): Promise<void>;
  close(): Promise<void>;
}

/** Orders snapshots: a later controller's is newer, then the one that covers more. */
export function isNewerSnapshot(a: SnapshotName, b: SnapshotName): boolean {
  return a.offset > b.offset || (a.offset === b.offset && a.controllerEpoch > b.controllerEpoch);
}
