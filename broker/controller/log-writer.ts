/**
 * Writes the metadata log for the active controller: one append in flight, and nothing returns before its outcome is
 * known. When the store conflicts or does not answer, the log itself is asked what stands at the offset.
 */
import type { CoordinationStore } from '../coordination/mod.ts';
import { encodeBatch, encodeSnapshot, type MetadataImage, type MetadataRecord, recordBytes } from '../metadata/mod.ts';
import { BrokerError, type Clock, type Logger } from '../std/mod.ts';

/** A store takes batches of this size in a few milliseconds; larger ones cost more than two small ones. */
const BATCH_BYTES_AIM = 64 * 1024;
/** A change that is larger is framed by begin and end records over several batches. */
const BATCH_BYTES_MAX = 256 * 1024;
/**
 * The most that one change may be. No snapshot can be taken within it, so a ring of 256 batches must hold all of it,
 * and what was gathered before it.
 */
const CHANGE_BYTES_MAX = 200 * BATCH_BYTES_AIM;
/**
 * Batches between snapshots. The ring of a store may be 256 long: the batch that comes round needs a newer snapshot.
 */
const SNAPSHOT_EVERY = 200;
export const RETRY_MS = 200;

export class LogWriter {
  private readonly store: CoordinationStore;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly snapshotEvery: number;
  private snapshotOffset = 0;
  private isClosed = false;

  constructor(options: {
    readonly store: CoordinationStore;
    readonly clock: Clock;
    readonly log: Logger;
    readonly snapshotEvery?: number;
  }) {
    this.snapshotEvery = options.snapshotEvery ?? SNAPSHOT_EVERY;
    this.store = options.store;
    this.clock = options.clock;
    this.log = options.log;
  }

  /** A new controller goes on from the snapshot that is there. */
  async start(): Promise<void> {
    this.snapshotOffset = (await this.store.readSnapshot())?.offset ?? 0;
  }

  /** The first offset that the newest snapshot does not cover. */
  get snapshotEnd(): number {
    return this.snapshotOffset;
  }

  close(): void {
    this.isClosed = true;
  }

  /**
   * Writes the batch of one offset and does not return before it is known to be there. Throws when another wrote it.
   * `image` is the newest that a snapshot may be made of.
   */
  async append(offset: number, payload: Buffer, image: MetadataImage): Promise<void> {
    for (;;) {
      try {
        await this.store.append(offset, payload);
        return;
      } catch (error) {
        const outcome = await this.outcomeOf(offset, payload);
        if (outcome === 'written') return;
        if (outcome === 'taken' || this.isClosed) throw error;
        // Free, and yet refused: a store of bounded length waits for the snapshot that covers what the batch
        // overwrites.
        if (outcome === 'free') await this.snapshotIfDue(image);
      }
      await this.pause();
    }
  }

  pause(): Promise<void> {
    return new Promise<void>((resolve) => this.clock.after(RETRY_MS, resolve));
  }

  /** Asks the log what stands at the offset: ours, another's, or nothing yet. */
  private async outcomeOf(offset: number, payload: Buffer): Promise<'written' | 'taken' | 'free' | 'unknown'> {
    try {
      const end = await this.store.end();
      // Everything below the offset was read once: a log that ends before it has lost some of that.
      if (end < offset) return 'taken';
      if (end === offset) return 'free';
      const [batch] = await this.store.read(offset, 1);
      return batch?.payload.equals(payload) === true ? 'written' : 'taken';
    } catch (error) {
      return error instanceof BrokerError && error.code === 'store.conflict' ? 'taken' : 'unknown';
    }
  }

  /** No snapshot can be taken within a change of several batches, so a store of bounded length gets its room before. */
  async makeRoom(image: MetadataImage): Promise<void> {
    for (;;) {
      await this.snapshot(image);
      if (this.snapshotOffset >= image.nextOffset) return;
      if (this.isClosed) throw new BrokerError('store.fenced', 'the controller is closed');
      await this.pause();
      // It may be there, though nobody heard so.
      await this.start().catch(() => {});
    }
  }

  /** A snapshot that fails is tried again with the next batch; the log is whole without it. */
  async snapshotIfDue(image: MetadataImage): Promise<void> {
    if (image.nextOffset - this.snapshotOffset >= this.snapshotEvery) await this.snapshot(image);
  }

  private async snapshot(image: MetadataImage): Promise<void> {
    if (image.nextOffset === this.snapshotOffset || image.unfinished !== undefined) return;
    try {
      const { controllerEpoch, nextOffset: offset } = image;
      await this.store.writeSnapshot({ controllerEpoch, offset, chunks: encodeSnapshot(image) });
      // The batches since the previous snapshot stay, so that a reader that is a little behind need not start over.
      await this.store.trim(this.snapshotOffset);
      this.snapshotOffset = offset;
    } catch (error) {
      this.log.warn({ err: error }, 'the metadata snapshot could not be written');
    }
  }
}

/** Gathers the records of many decisions into a batch, up to the size that a store takes quickly. */
export class BatchGatherer {
  readonly records: MetadataRecord[] = [];
  private sizeBytes = 0;

  /** Takes all of them, or throws and takes none: `store.tooLarge`, or what the encoder says of a value. */
  add(records: readonly MetadataRecord[]): void {
    const sizes = records.map(recordBytes);
    const totalBytes = sizes.reduce((total, bytes) => total + bytes, 0);
    if (totalBytes > CHANGE_BYTES_MAX || sizes.some((bytes) => bytes > BATCH_BYTES_MAX)) {
      throw new BrokerError('store.tooLarge', 'Unable to perform excessively large batch operation.', {
        context: { totalBytes, maxBytes: CHANGE_BYTES_MAX },
      });
    }
    for (const record of records) this.records.push(record);
    this.sizeBytes += totalBytes;
  }

  get isFull(): boolean {
    return this.sizeBytes >= BATCH_BYTES_AIM;
  }

  /** The batches to append, in order: one, unless a single decision was larger than a batch may be. */
  payloads(controllerEpoch: number): Buffer[] {
    if (this.sizeBytes <= BATCH_BYTES_MAX) return [encodeBatch({ controllerEpoch, records: this.records })];
    const framed: MetadataRecord[] = [
      { kind: 'BeginTransaction', name: null },
      ...this.records,
      { kind: 'EndTransaction' },
    ];
    const payloads: Buffer[] = [];
    let part: MetadataRecord[] = [];
    let partBytes = 0;
    for (const record of framed) {
      part.push(record);
      partBytes += recordBytes(record);
      if (partBytes < BATCH_BYTES_AIM && record.kind !== 'EndTransaction') continue;
      payloads.push(encodeBatch({ controllerEpoch, records: part }));
      part = [];
      partBytes = 0;
    }
    return payloads;
  }
}
