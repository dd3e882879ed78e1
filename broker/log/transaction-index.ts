/**
 * The aborted transactions whose markers lie in a segment. Readers of committed data get the list and skip those
 * records themselves (T45). The file exists only where there is something in it; entries are few, so they are written
 * at once.
 */
import type { Disk } from '../std/mod.ts';
import { readInt64, writeInt64 } from './int64.ts';

const ENTRY_BYTES = 34;

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The last stable offset when the marker was written: fetches that end before it need not look further. */
  readonly lastStableOffset: number;
}

export function encodeAbortedTransactions(transactions: readonly AbortedTransaction[]): Buffer {
  const bytes = Buffer.alloc(transactions.length * ENTRY_BYTES);
  transactions.forEach((transaction, slot) => {
    const at = slot * ENTRY_BYTES;
    bytes.writeInt16BE(0, at);
    writeInt64(bytes, transaction.producerId, at + 2);
    writeInt64(bytes, transaction.firstOffset, at + 10);
    writeInt64(bytes, transaction.lastOffset, at + 18);
    writeInt64(bytes, transaction.lastStableOffset, at + 26);
  });
  return bytes;
}

export function decodeAbortedTransactions(bytes: Buffer): AbortedTransaction[] {
  const transactions: AbortedTransaction[] = [];
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    transactions.push({
      producerId: readInt64(bytes, at + 2),
      firstOffset: readInt64(bytes, at + 10),
      lastOffset: readInt64(bytes, at + 18),
      lastStableOffset: readInt64(bytes, at + 26),
    });
  }
  return transactions;
}

export class TransactionIndex {
  path: string;
  private readonly disk: Disk;
  private loaded: AbortedTransaction[] | undefined;
  /** How often it was written. */
  private writes = 0;
  private syncedWrites = 0;

  constructor(disk: Disk, path: string) {
    this.disk = disk;
    this.path = path;
  }

  all(): readonly AbortedTransaction[] {
    this.loaded ??= this.disk.exists(this.path) ? decodeAbortedTransactions(this.disk.readFile(this.path)) : [];
    return this.loaded;
  }

  append(transaction: AbortedTransaction): void {
    this.replace([...this.all(), transaction]);
  }

  /** Forgets transactions whose marker is at or past `offset`. */
  truncateTo(offset: number): void {
    const kept = this.all().filter((transaction) => transaction.lastOffset < offset);
    if (kept.length !== this.all().length) this.replace(kept);
  }

  startEmpty(): void {
    if (this.disk.exists(this.path)) this.disk.removeFile(this.path);
    this.loaded = [];
  }

  async sync(): Promise<void> {
    const { writes } = this;
    if (writes === this.syncedWrites || !this.disk.exists(this.path)) return;
    const file = this.disk.open(this.path, 'write');
    try {
      await file.datasync();
      this.syncedWrites = Math.max(this.syncedWrites, writes);
    } finally {
      file.close();
    }
  }

  private replace(transactions: AbortedTransaction[]): void {
    const bytes = encodeAbortedTransactions(transactions);
    const file = this.disk.open(this.path, 'create');
    try {
      for (let at = 0; at < bytes.length; ) at += file.writeSync(bytes, at, bytes.length - at, at);
      file.truncate(bytes.length);
    } finally {
      file.close();
    }
    this.loaded = transactions;
    this.writes += 1;
  }
}

/** Of the segments' aborted transactions those that overlap [fromOffset, upperOffset). */
export function abortedTransactions(
  segments: Iterable<{ readonly transactionIndex: TransactionIndex }>,
  fromOffset: number,
  upperOffset: number,
): AbortedTransaction[] {
  const found: AbortedTransaction[] = [];
  for (const { transactionIndex } of segments) {
    for (const transaction of transactionIndex.all()) {
      if (transaction.lastOffset >= fromOffset && transaction.firstOffset < upperOffset) found.push(transaction);
      // Everything below this offset was decided when that marker was written: nothing later reaches back.
      if (transaction.lastStableOffset >= upperOffset) return found;
    }
  }
  return found;
}
