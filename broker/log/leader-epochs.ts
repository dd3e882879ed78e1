/**
 * Which leader epoch began where (KIP-101, KIP-279): how replicas find the point at which their logs part (T61, T62).
 * Epochs and start offsets both grow from entry to entry. The file is written behind; headers of the batches that are
 * scanned after a crash bring back what it missed.
 */
import type { Disk } from '../std/mod.ts';
import { type EpochEntry, encodeEpochs, readEpochs, replaceFile, replaceFileNow } from './checkpoints.ts';

export interface EpochEndOffset {
  readonly epoch: number;
  readonly endOffset: number;
}

const UNKNOWN: EpochEndOffset = { epoch: -1, endOffset: -1 };

export class LeaderEpochs {
  path: string;
  private readonly disk: Disk;
  private list: EpochEntry[];
  private version = 0;
  private writtenVersion = 0;
  private writing: Promise<void> | undefined;

  private constructor(disk: Disk, path: string, list: EpochEntry[]) {
    this.disk = disk;
    this.path = path;
    this.list = list;
  }

  /** An unreadable file counts as empty: the scan fills it again. */
  static load(disk: Disk, path: string): LeaderEpochs {
    let list: EpochEntry[] = [];
    try {
      list = readEpochs(disk, path);
    } catch {
      // Epochs only guide truncation; without them replicas compare from the start of the log.
    }
    return new LeaderEpochs(disk, path, list);
  }

  entries(): readonly EpochEntry[] {
    return this.list;
  }

  get latestEpoch(): number {
    return this.list.at(-1)?.epoch ?? -1;
  }

  /** Epoch `epoch` begins at `startOffset`. Entries of the same or a later epoch, or a later start, gave way to it. */
  assign(epoch: number, startOffset: number): void {
    const last = this.list.at(-1);
    if (epoch < 0 || (last !== undefined && last.epoch === epoch && last.startOffset <= startOffset)) return;
    if (last !== undefined && (last.epoch >= epoch || last.startOffset >= startOffset)) {
      this.list = this.list.filter((entry) => entry.epoch < epoch && entry.startOffset < startOffset);
    }
    this.list.push({ epoch, startOffset });
    this.version += 1;
  }

  endOffsetFor(epoch: number, logEndOffset: number): EpochEndOffset {
    const latest = this.list.at(-1);
    if (epoch < 0 || latest === undefined || epoch > latest.epoch) return UNKNOWN;
    if (epoch === latest.epoch) return { epoch, endOffset: logEndOffset };
    const higher = this.list.findIndex((entry) => entry.epoch > epoch);
    const next = this.list[higher] as EpochEntry;
    const floor = this.list[higher - 1];
    return { epoch: floor === undefined ? epoch : floor.epoch, endOffset: next.startOffset };
  }

  /** The epoch under which `offset` was written, or -1. */
  epochOf(offset: number): number {
    for (let slot = this.list.length - 1; slot >= 0; slot--) {
      const entry = this.list[slot] as EpochEntry;
      if (entry.startOffset <= offset) return entry.epoch;
    }
    return -1;
  }

  truncateFromEnd(endOffset: number): void {
    if ((this.list.at(-1)?.startOffset ?? -1) < endOffset) return;
    this.list = this.list.filter((entry) => entry.startOffset < endOffset);
    this.version += 1;
  }

  truncateFromStart(startOffset: number): void {
    const kept = this.list.filter((entry) => entry.startOffset > startOffset);
    const floor = this.list[this.list.length - kept.length - 1];
    if (floor === undefined || (floor.startOffset === startOffset && kept.length === this.list.length - 1)) return;
    this.list = [{ epoch: floor.epoch, startOffset }, ...kept];
    this.version += 1;
  }

  clear(): void {
    this.list = [];
    this.version += 1;
  }

  /** Writes the file if it is behind. One write at a time; those who come meanwhile wait for the next. */
  async persist(): Promise<void> {
    while (this.writtenVersion !== this.version) {
      this.writing ??= this.writeOnce().finally(() => {
        this.writing = undefined;
      });
      await this.writing;
    }
  }

  persistNow(): void {
    if (this.writtenVersion === this.version) return;
    replaceFileNow(this.disk, this.path, encodeEpochs(this.list));
    this.writtenVersion = this.version;
  }

  private async writeOnce(): Promise<void> {
    const version = this.version;
    await replaceFile(this.disk, this.path, encodeEpochs(this.list));
    this.writtenVersion = version;
  }
}
