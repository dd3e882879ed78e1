/**
 * Writes the offset checkpoints of the log folders. One file at a time: each is written beside and renamed over, and
 * two writers of the same file would take each other's.
 */
import type { Disk } from '../std/mod.ts';
import {
  encodeOffsets,
  HIGH_WATERMARK_FILE,
  LOG_START_FILE,
  type OffsetCheckpoint,
  RECOVERY_POINT_FILE,
  replaceFile,
} from './checkpoints.ts';
import type { LogFolder } from './log-folder.ts';
import type { PartitionLog } from './partition-log.ts';

export type CheckpointKind = 'recoveryPoints' | 'logStarts' | 'highWatermarks';

const FILES: Readonly<Record<CheckpointKind, string>> = {
  recoveryPoints: RECOVERY_POINT_FILE,
  logStarts: LOG_START_FILE,
  highWatermarks: HIGH_WATERMARK_FILE,
};

const OFFSETS: Readonly<Record<CheckpointKind, (log: PartitionLog) => number>> = {
  recoveryPoints: (log) => log.recoveryPoint,
  logStarts: (log) => log.logStartOffset,
  highWatermarks: (log) => log.highWatermark,
};

export class CheckpointWriter {
  private readonly disk: Disk;
  private readonly logs: ReadonlyMap<string, PartitionLog>;
  private last: Promise<void> = Promise.resolve();

  constructor(disk: Disk, logs: ReadonlyMap<string, PartitionLog>) {
    this.disk = disk;
    this.logs = logs;
  }

  /** What is written is what holds when the turn of this file comes. */
  async write(folder: LogFolder, kind: CheckpointKind): Promise<void> {
    await this.replace(`${folder.path}/${FILES[kind]}`, () => {
      const entries = this.offsetsIn(folder, OFFSETS[kind]);
      return kind === 'logStarts' ? entries.filter(({ offset }) => offset > 0) : entries;
    });
    // An older recovery point or high watermark costs a longer scan; an older log start brings deleted records back.
    if (kind === 'logStarts') this.disk.syncFolder(folder.path);
  }

  replace(path: string, entries: () => readonly OffsetCheckpoint[]): Promise<void> {
    const written = this.last.then(() => replaceFile(this.disk, path, encodeOffsets(entries())));
    this.last = written.catch(() => {});
    return written;
  }

  offsetsIn(folder: LogFolder, offsetOf: (log: PartitionLog) => number): OffsetCheckpoint[] {
    const entries: OffsetCheckpoint[] = [];
    for (const log of this.logs.values()) {
      if (log.logFolder !== folder) continue;
      entries.push({ topic: log.topic, partition: log.partition, offset: offsetOf(log) });
    }
    return entries;
  }
}
