/**
 * The largest timestamp so far and the offset where it stood: (timestamp, offset - base) in twelve bytes. Every record
 * before an entry's offset is at most as young as the entry says, which is what lookup by time and retention rest on.
 */
import type { Disk } from '../std/mod.ts';
import { IndexFile } from './index-file.ts';
import { readInt64, writeInt64 } from './int64.ts';

const ENTRY_BYTES = 12;

export interface TimestampOffset {
  readonly timestamp: number;
  readonly offset: number;
}

export class TimeIndex extends IndexFile {
  constructor(disk: Disk, path: string, baseOffset: number) {
    super(disk, path, baseOffset, ENTRY_BYTES);
  }

  /** Appends only what is younger than the last entry. */
  append(timestamp: number, offset: number): void {
    const last = this.last();
    if (timestamp <= last.timestamp || offset < last.offset) return;
    const at = this.grow();
    const entries = this.entries();
    writeInt64(entries, timestamp, at);
    entries.writeInt32BE(offset - this.baseOffset, at + 8);
  }

  last(): TimestampOffset {
    const count = this.entryCount;
    return count === 0 ? { timestamp: -1, offset: this.baseOffset } : this.entryAt(count - 1);
  }

  /** The last entry whose timestamp is at most `timestamp`: no record before its offset is younger. */
  lookup(timestamp: number): TimestampOffset {
    let low = 0;
    let high = this.entryCount;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entryAt(middle).timestamp <= timestamp) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? { timestamp: -1, offset: this.baseOffset } : this.entryAt(low - 1);
  }

  /** Forgets entries at or past `offset`. */
  truncateTo(offset: number): void {
    let count = this.entryCount;
    while (count > 0 && this.entryAt(count - 1).offset >= offset) count -= 1;
    this.cutTo(count);
  }

  isFull(maxBytes: number): boolean {
    // One slot stays free for the entry that the roll itself writes.
    return this.entryCount >= Math.floor(maxBytes / ENTRY_BYTES) - 1;
  }

  isSane(): boolean {
    if (!this.loadSane()) return false;
    const count = this.entryCount;
    if (count === 0) return true;
    return this.entryAt(count - 1).timestamp >= this.entryAt(0).timestamp && this.last().offset >= this.baseOffset;
  }

  private entryAt(slot: number): TimestampOffset {
    const at = slot * ENTRY_BYTES;
    const entries = this.entries();
    return { timestamp: readInt64(entries, at), offset: this.baseOffset + entries.readInt32BE(at + 8) };
  }
}
