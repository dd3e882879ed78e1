/**
 * What a partition remembers of each producer: the last five batches, to recognise a retry (T40), the sequence that
 * must come next (T41), and its open transaction (T44). It is a function of the log: leader, followers and recovery
 * apply the same batches and must come to the same state.
 *
 * Batches that are staged but not yet written are seen through an overlay, so that pipelined requests are checked
 * against what came just before them; the overlay is dropped when the write fails.
 */
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchBaseSequence,
  batchIsControl,
  batchIsTransactional,
  batchLastOffset,
  batchLastOffsetDelta,
  batchMaxTimestamp,
  batchProducerEpoch,
  batchProducerId,
  batchSizeBytes,
  ErrorCode,
  readRecords,
} from '../protocol/mod.ts';

const REMEMBERED_BATCHES = 5;
const SEQUENCE_MAX = 0x7fff_ffff;

export interface ProducerBatch {
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly offsetDelta: number;
  readonly timestamp: number;
}

export interface ProducerEntry {
  readonly producerId: number;
  producerEpoch: number;
  coordinatorEpoch: number;
  lastTimestamp: number;
  /** First offset of the open transaction, or -1. */
  transactionFirstOffset: number;
  /** Oldest first. */
  batches: ProducerBatch[];
}

export interface CompletedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** The offset of the marker. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
}

export interface ControlMarker {
  readonly isAbort: boolean;
  readonly coordinatorEpoch: number;
}

export type SequenceVerdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'duplicate'; readonly batch: ProducerBatch }
  | { readonly kind: 'refuse'; readonly errorCode: number; readonly message: string };

const ACCEPT: SequenceVerdict = { kind: 'accept' };

function sequenceMinus(sequence: number, delta: number): number {
  return sequence >= delta ? sequence - delta : SEQUENCE_MAX - (delta - sequence) + 1;
}

function sequencePlus(sequence: number, delta: number): number {
  return sequence > SEQUENCE_MAX - delta ? delta - (SEQUENCE_MAX - sequence) - 1 : sequence + delta;
}

/** Undefined for control batches that are not end-of-transaction markers. */
export function readMarker(buffer: Buffer, at: number): ControlMarker | undefined {
  const record = readRecords(buffer.subarray(at, at + batchSizeBytes(buffer, at)))[0];
  if (record?.key == null || record.key.length < 4) return undefined;
  const type = record.key.readInt16BE(2);
  if (type !== 0 && type !== 1) return undefined;
  const coordinatorEpoch = record.value !== null && record.value.length >= 6 ? record.value.readInt32BE(2) : -1;
  return { isAbort: type === 0, coordinatorEpoch };
}

function cloneEntry(entry: ProducerEntry): ProducerEntry {
  return { ...entry, batches: entry.batches.slice() };
}

export class ProducerStates {
  private readonly entries = new Map<number, ProducerEntry>();
  private readonly staged = new Map<number, ProducerEntry>();
  /** Producer id to first offset, of open transactions. */
  private readonly open = new Map<number, number>();
  /** Complete, but the marker is not below the high watermark yet: they still hold the last stable offset (T44). */
  private unreplicated: CompletedTransaction[] = [];

  get size(): number {
    return this.entries.size;
  }

  all(): Iterable<Readonly<ProducerEntry>> {
    return this.entries.values();
  }

  get(producerId: number): Readonly<ProducerEntry> | undefined {
    return this.staged.get(producerId) ?? this.entries.get(producerId);
  }

  hasOpenTransaction(producerId: number): boolean {
    return (this.get(producerId)?.transactionFirstOffset ?? -1) >= 0;
  }

  /** Judges a batch of a client before it is staged. */
  check(buffer: Buffer, at: number, options: { mustStartAtZero: boolean }): SequenceVerdict {
    const producerId = batchProducerId(buffer, at);
    if (producerId < 0) return ACCEPT;
    const entry = this.get(producerId);
    const epoch = batchProducerEpoch(buffer, at);
    const sequence = batchBaseSequence(buffer, at);
    if (entry === undefined || entry.producerEpoch < 0) {
      if (options.mustStartAtZero && sequence !== 0) return outOfOrder(producerId, 0, sequence);
      return ACCEPT;
    }
    if (epoch < entry.producerEpoch) {
      return {
        kind: 'refuse',
        errorCode: ErrorCode.INVALID_PRODUCER_EPOCH,
        message: `producer epoch ${epoch} is older than ${entry.producerEpoch}`,
      };
    }
    if (epoch > entry.producerEpoch) return sequence === 0 ? ACCEPT : outOfOrder(producerId, 0, sequence);
    const lastSequence = sequencePlus(sequence, batchLastOffsetDelta(buffer, at));
    for (const batch of entry.batches) {
      if (batch.lastSequence === lastSequence && sequenceMinus(lastSequence, batch.offsetDelta) === sequence) {
        return { kind: 'duplicate', batch };
      }
    }
    const isTransactional = batchIsTransactional(buffer, at);
    if (!isTransactional && entry.transactionFirstOffset >= 0) {
      return {
        kind: 'refuse',
        errorCode: ErrorCode.INVALID_TXN_STATE,
        message: 'a batch outside the transaction that its producer has open',
      };
    }
    const last = entry.batches.at(-1);
    // A marker that bumped the epoch leaves no batch of this epoch behind: the next one starts over, as after no state.
    if (last === undefined) {
      return options.mustStartAtZero && sequence !== 0 ? outOfOrder(producerId, 0, sequence) : ACCEPT;
    }
    const expected = last.lastSequence === SEQUENCE_MAX ? 0 : last.lastSequence + 1;
    return sequence === expected ? ACCEPT : outOfOrder(producerId, expected, sequence);
  }

  /** Judges an end-of-transaction marker before it is staged (T46). */
  checkMarker(
    producerId: number,
    producerEpoch: number,
    marker: ControlMarker,
    options: { readonly mustBumpEpoch: boolean },
  ): SequenceVerdict {
    const entry = this.get(producerId);
    if (entry === undefined) return ACCEPT;
    const isRetry = producerEpoch === entry.producerEpoch && entry.transactionFirstOffset < 0;
    const isStale =
      producerEpoch < entry.producerEpoch ||
      (options.mustBumpEpoch && producerEpoch === entry.producerEpoch && !isRetry);
    if (isStale) {
      return {
        kind: 'refuse',
        errorCode: ErrorCode.INVALID_PRODUCER_EPOCH,
        message: `marker with producer epoch ${producerEpoch}, current ${entry.producerEpoch}`,
      };
    }
    if (marker.coordinatorEpoch < entry.coordinatorEpoch) {
      return {
        kind: 'refuse',
        errorCode: ErrorCode.TRANSACTION_COORDINATOR_FENCED,
        message: `coordinator epoch ${marker.coordinatorEpoch} is older than ${entry.coordinatorEpoch}`,
      };
    }
    return ACCEPT;
  }

  stage(buffer: Buffer, at: number): void {
    const producerId = batchProducerId(buffer, at);
    if (producerId < 0) return;
    let entry = this.staged.get(producerId);
    if (entry === undefined) {
      const written = this.entries.get(producerId);
      entry = written === undefined ? newEntry(producerId) : cloneEntry(written);
      this.staged.set(producerId, entry);
    }
    updateEntry(entry, buffer, at);
  }

  dropStaged(): void {
    if (this.staged.size > 0) this.staged.clear();
  }

  /** Applies a batch that is in the log. Returns the transaction that it completed. */
  apply(buffer: Buffer, at: number): CompletedTransaction | undefined {
    const producerId = batchProducerId(buffer, at);
    if (producerId < 0) return undefined;
    let entry = this.entries.get(producerId);
    if (entry === undefined) {
      entry = newEntry(producerId);
      this.entries.set(producerId, entry);
    }
    const completed = updateEntry(entry, buffer, at);
    if (completed !== undefined) {
      this.open.delete(producerId);
      this.unreplicated.push(completed);
    } else if (entry.transactionFirstOffset >= 0 && !this.open.has(producerId)) {
      this.open.set(producerId, entry.transactionFirstOffset);
    }
    return completed;
  }

  /** Where reads of committed data must stop once `completed` is counted as complete. */
  lastStableOffsetAfter(completed: CompletedTransaction): number {
    let lowest = completed.lastOffset + 1;
    for (const [producerId, firstOffset] of this.open) {
      if (producerId !== completed.producerId && firstOffset < lowest) lowest = firstOffset;
    }
    return lowest;
  }

  /** The lowest offset of a transaction that is open or whose marker is not below the high watermark. */
  firstUnstableOffset(): number | undefined {
    let lowest: number | undefined;
    for (const firstOffset of this.open.values())
      if (lowest === undefined || firstOffset < lowest) lowest = firstOffset;
    for (const { firstOffset } of this.unreplicated) {
      if (lowest === undefined || firstOffset < lowest) lowest = firstOffset;
    }
    return lowest;
  }

  onHighWatermark(highWatermark: number): void {
    if (this.unreplicated.length === 0) return;
    this.unreplicated = this.unreplicated.filter((transaction) => transaction.lastOffset >= highWatermark);
  }

  /** Open transactions since before `untilMs`, for the search for hanging ones. */
  openTransactions(): { readonly producerId: number; readonly firstOffset: number }[] {
    return [...this.open].map(([producerId, firstOffset]) => ({ producerId, firstOffset }));
  }

  removeExpired(nowMs: number, expirationMs: number): void {
    for (const entry of this.entries.values()) {
      const isIdle = nowMs - entry.lastTimestamp >= expirationMs;
      if (isIdle && entry.transactionFirstOffset < 0 && !this.staged.has(entry.producerId)) {
        this.entries.delete(entry.producerId);
      }
    }
  }

  restore(entries: readonly ProducerEntry[]): void {
    this.entries.clear();
    this.staged.clear();
    this.open.clear();
    this.unreplicated = [];
    for (const entry of entries) {
      this.entries.set(entry.producerId, entry);
      if (entry.transactionFirstOffset >= 0) this.open.set(entry.producerId, entry.transactionFirstOffset);
    }
  }
}

function newEntry(producerId: number): ProducerEntry {
  return {
    producerId,
    producerEpoch: -1,
    coordinatorEpoch: -1,
    lastTimestamp: -1,
    transactionFirstOffset: -1,
    batches: [],
  };
}

function updateEntry(entry: ProducerEntry, buffer: Buffer, at: number): CompletedTransaction | undefined {
  const epoch = batchProducerEpoch(buffer, at);
  const timestamp = batchMaxTimestamp(buffer, at);
  if (epoch !== entry.producerEpoch) {
    entry.producerEpoch = epoch;
    entry.batches = [];
  }
  if (timestamp > entry.lastTimestamp) entry.lastTimestamp = timestamp;
  const lastOffset = batchLastOffset(buffer, at);
  if (batchIsControl(buffer, at)) {
    const marker =
      batchSizeBytes(buffer, at) > BATCH_HEADER_BYTES && batchBaseOffset(buffer, at) <= lastOffset
        ? readMarker(buffer, at)
        : undefined;
    if (marker === undefined) return undefined;
    entry.coordinatorEpoch = marker.coordinatorEpoch;
    const firstOffset = entry.transactionFirstOffset;
    entry.transactionFirstOffset = -1;
    // A transaction without records here leaves no trace to wait for.
    if (firstOffset < 0) return undefined;
    return { producerId: entry.producerId, firstOffset, lastOffset, isAborted: marker.isAbort };
  }
  const offsetDelta = batchLastOffsetDelta(buffer, at);
  const lastSequence = sequencePlus(batchBaseSequence(buffer, at), offsetDelta);
  entry.batches.push({ lastSequence, lastOffset, offsetDelta, timestamp });
  if (entry.batches.length > REMEMBERED_BATCHES) entry.batches.shift();
  if (batchIsTransactional(buffer, at) && entry.transactionFirstOffset < 0) {
    entry.transactionFirstOffset = lastOffset - offsetDelta;
  }
  return undefined;
}

function outOfOrder(producerId: number, expected: number, sequence: number): SequenceVerdict {
  return {
    kind: 'refuse',
    errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    message: `producer ${producerId}: sequence ${sequence} came where ${expected} was expected`,
  };
}
