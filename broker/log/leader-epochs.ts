/**
 * Which leader epoch began where (KIP-101, KIP-279): how replicas find the point at which their logs part (T61, T62).
 * Epochs and start offsets both grow from entry to entry. The file is written behind; headers of the batches that are
 * scanned after a crash bring back what it missed. A wrong list makes replicas agree where their logs differ, so one
 * that cannot be trusted is made anew from the headers of all batches.
 */
import { BrokerError, type Disk } from '../std/mod.ts';
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
  private namedVersion = 0;
  private writing: Promise<void> | undefined;
  private isTrusted = true;

  private constructor(disk: Disk, path: string, list: EpochEntry[]) {
    this.disk = disk;
    this.path = path;
    this.list = list;
  }

  /** What an unreadable or missing file held must be found in the log. */
  static load(disk: Disk, path: string): LeaderEpochs {
    let list: EpochEntry[] | undefined;
    try {
      list = readEpochs(disk, path);
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== 'log.corrupt') throw error;
    }
    const epochs = new LeaderEpochs(disk, path, list ?? []);
    if (list === undefined) epochs.distrust();
    return epochs;
  }

  /** Whether the list must be made anew from the log. */
  get mustRebuild(): boolean {
    return !this.isTrusted;
  }

  /** The log speaks of epochs that the list should have had. */
  distrust(): void {
    this.isTrusted = false;
  }

  /** Empty, to be filled from all batches of the log. */
  beginRebuild(): void {
    this.clear();
    this.isTrusted = true;
  }

  /** Whether the file was replaced and its name may not be on the disk yet. */
  get hasNewName(): boolean {
    return this.namedVersion !== this.writtenVersion;
  }

  /** Returns what to call when the folder has been synced that holds the file as it is now. */
  naming(): () => void {
    const version = this.writtenVersion;
    return () => {
      this.namedVersion = version;
    };
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
    this.namedVersion = this.version;
  }

  private async writeOnce(): Promise<void> {
    const version = this.version;
    await replaceFile(this.disk, this.path, encodeEpochs(this.list));
    this.writtenVersion = version;
  }
}
