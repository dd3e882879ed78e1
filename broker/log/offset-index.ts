/**
 * Where in the `.log` file to start looking for an offset: (offset - base, position) in eight bytes, one entry for
 * about every `index.interval.bytes`. The offset is the last one of the batch at the position, as Kafka writes it.
 */
import type { Disk } from '../std/mod.ts';
import { IndexFile } from './index-file.ts';

const ENTRY_BYTES = 8;

export class OffsetIndex extends IndexFile {
  constructor(disk: Disk, path: string, baseOffset: number) {
    super(disk, path, baseOffset, ENTRY_BYTES);
  }

  append(offset: number, position: number): void {
    const count = this.entryCount;
    if (count > 0 && this.offsetAt(count - 1) >= offset) return;
    const at = this.grow();
    const entries = this.entries();
    entries.writeInt32BE(offset - this.baseOffset, at);
    entries.writeInt32BE(position, at + 4);
  }

  /** The position of the last entry at or below `offset`, or 0. */
  lookup(offset: number): number {
    const slot = this.lastAtOrBelow(offset);
    return slot < 0 ? 0 : this.positionAt(slot);
  }

  lastPosition(): number {
    const count = this.entryCount;
    return count === 0 ? 0 : this.positionAt(count - 1);
  }

  /** Forgets entries at or past `offset`. */
  truncateTo(offset: number): void {
    this.cutTo(this.lastAtOrBelow(offset - 1) + 1);
  }

  isFull(maxBytes: number): boolean {
    return this.entryCount >= Math.floor(maxBytes / ENTRY_BYTES);
  }

  isSane(logBytes: number): boolean {
    if (!this.loadSane()) return false;
    const count = this.entryCount;
    // A preallocated file that was never trimmed ends in zeros, which no last entry of more than one can be.
    return count === 0 || (this.offsetAt(count - 1) >= this.baseOffset + count - 1 && this.lastPosition() < logBytes);
  }

  private lastAtOrBelow(offset: number): number {
    let low = 0;
    let high = this.entryCount;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsetAt(middle) <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private offsetAt(slot: number): number {
    return this.baseOffset + this.entries().readInt32BE(slot * ENTRY_BYTES);
  }

  private positionAt(slot: number): number {
    return this.entries().readInt32BE(slot * ENTRY_BYTES + 4);
  }
}
