/**
 * Which batches belong to aborted transactions, and which markers have nothing left to mark, walking a log in order.
 */
import { batchBaseOffset, batchIsTransactional, batchLastOffset, batchProducerId } from '../../protocol/mod.ts';
import { readMarker } from '../producer-state.ts';
import type { AbortedTransaction } from '../transaction-index.ts';

export class TransactionFilter {
  /** Those that may still begin, by first offset. */
  private readonly waiting: AbortedTransaction[];
  private readonly aborted = new Map<number, { readonly transaction: AbortedTransaction; hasBatches: boolean }>();
  private readonly committed = new Set<number>();
  private readonly observed: AbortedTransaction[] = [];

  constructor(aborted: readonly AbortedTransaction[]) {
    this.waiting = [...aborted].sort((left, right) => left.firstOffset - right.firstOffset);
  }

  /** True when the batch belongs to an aborted transaction. */
  onData(buffer: Buffer, at: number): boolean {
    this.begin(batchLastOffset(buffer, at));
    if (!batchIsTransactional(buffer, at)) return false;
    const producerId = batchProducerId(buffer, at);
    const entry = this.aborted.get(producerId);
    if (entry === undefined || batchBaseOffset(buffer, at) < entry.transaction.firstOffset) {
      this.committed.add(producerId);
      return false;
    }
    entry.hasBatches = true;
    return true;
  }

  /** True when no batch of the marker's transaction was met: the marker is not needed any more. */
  onMarker(buffer: Buffer, at: number): boolean {
    this.begin(batchLastOffset(buffer, at));
    const producerId = batchProducerId(buffer, at);
    const marker = hasRecords(buffer, at) ? readMarker(buffer, at) : undefined;
    if (marker === undefined) return true;
    if (!marker.isAbort) return !this.committed.delete(producerId);
    const entry = this.aborted.get(producerId);
    this.aborted.delete(producerId);
    if (entry === undefined || !entry.hasBatches) return true;
    this.observed.push(entry.transaction);
    return false;
  }

  /** Aborted transactions whose marker was met since the last call, and which still had batches. */
  takeAborted(): AbortedTransaction[] {
    return this.observed.splice(0);
  }

  private begin(untilOffset: number): void {
    while (this.waiting.length > 0 && (this.waiting[0] as AbortedTransaction).firstOffset <= untilOffset) {
      const transaction = this.waiting.shift() as AbortedTransaction;
      this.aborted.set(transaction.producerId, { transaction, hasBatches: false });
    }
  }
}

function hasRecords(buffer: Buffer, at: number): boolean {
  return buffer.readInt32BE(at + 57) > 0;
}
