/**
 * How much of a log is on the disk, and not only in the page cache. Everything below the recovery point is, names and
 * contents: recovery trusts it. A flush brings the recovery point to where the log ended when it began.
 */
import { BrokerError } from '../std/mod.ts';
import { PARTITION_METADATA_FILE } from './checkpoints.ts';
import type { LeaderEpochs } from './leader-epochs.ts';
import type { LogContext } from './log-context.ts';
import type { LogFolder } from './log-folder.ts';
import type { Segment } from './segment.ts';

/** The log whose durability it is. */
export interface FlushedLog {
  readonly path: string;
  readonly logFolder: LogFolder;
  readonly activeSegment: Segment;
  readonly leaderEpochs: LeaderEpochs;
  writtenEndOffset(): number;
}

export class Durability {
  private readonly log: FlushedLog;
  private readonly context: LogContext;
  private syncedEnd = 0;
  private lastFlushMs: number;
  /** Nobody knows whether the log's folder and its topic id were ever synced, until they are. */
  private isRooted = false;
  private hasNewNames = true;
  private naming: Promise<void> | undefined;
  private isAbandoned = false;
  /** Nothing happened to the log's files since it was opened after a clean stop. */
  private isUntouched = false;
  private readonly segments = new Set<Segment>();
  private readonly snapshots = new Set<string>();

  constructor(log: FlushedLog, context: LogContext) {
    this.log = log;
    this.context = context;
    this.lastFlushMs = context.runtime.clock.monotonicMs();
  }

  get isAsFound(): boolean {
    return this.isUntouched;
  }

  get recoveryPoint(): number {
    return this.syncedEnd;
  }

  /** Everything below `offset` is known to be durable: after recovery, or because there is nothing. */
  startAt(offset: number): void {
    this.syncedEnd = offset;
  }

  /** What is on the disk is what the last close left there: all of it, or nothing at all of a log that is new. */
  foundClean(options: { readonly hasFiles: boolean }): void {
    this.isUntouched = true;
    this.isRooted = options.hasFiles;
    this.hasNewNames = !options.hasFiles;
  }

  /** The log ends at `offset` now. */
  cutTo(offset: number): void {
    this.isUntouched = false;
    this.syncedEnd = Math.min(this.syncedEnd, offset);
  }

  segmentWritten(segment: Segment): void {
    this.isUntouched = false;
    this.segments.add(segment);
  }

  segmentGone(segment: Segment): void {
    this.isUntouched = false;
    this.segments.delete(segment);
  }

  snapshotWritten(path: string): void {
    this.snapshots.add(path);
  }

  snapshotsGone(): void {
    this.snapshots.clear();
  }

  /** Files were made, renamed or removed. */
  namesChanged(): void {
    this.isUntouched = false;
    this.hasNewNames = true;
  }

  isFlushDue(flushMs: number): boolean {
    const sinceMs = this.context.runtime.clock.monotonicMs() - this.lastFlushMs;
    return this.log.writtenEndOffset() > this.syncedEnd && sinceMs >= flushMs;
  }

  /** The log's files are no longer its own: a flush under way ends early and finds nothing wrong. */
  abandon(): void {
    this.isAbandoned = true;
  }

  /** Before a clean stop the indexes of the active segment are to last as well. */
  async flush(options = { isLast: false }): Promise<void> {
    try {
      await this.syncAll(options);
    } catch (error) {
      // Files that were renamed or closed under it say nothing of the disk.
      if (!this.isAbandoned) throw error;
    }
  }

  private async syncAll({ isLast }: { readonly isLast: boolean }): Promise<void> {
    const { log } = this;
    const { clock, disk } = this.context.runtime;
    const endOffset = log.writtenEndOffset();
    const segments = [...this.segments];
    const snapshots = [...this.snapshots];
    const startedMs = clock.monotonicMs();
    this.lastFlushMs = startedMs;
    for (const segment of segments) await segment.sync({ withIndexes: isLast || segment !== log.activeSegment });
    for (const path of snapshots) {
      if (disk.exists(path)) await syncFile(this.context, path);
      this.snapshots.delete(path);
    }
    // Before the names: it is replaced by another file under its own.
    await log.leaderEpochs.persist();
    while (this.hasNewNames || log.leaderEpochs.hasNewName || this.naming !== undefined) {
      this.naming ??= this.syncNames(isLast).finally(() => {
        this.naming = undefined;
      });
      await this.naming;
    }
    for (const segment of segments) {
      if (segment !== log.activeSegment && segment.syncedBytes >= segment.sizeBytes) this.segments.delete(segment);
    }
    if (endOffset > this.syncedEnd && endOffset <= log.writtenEndOffset()) this.syncedEnd = endOffset;
    this.context.flushed(clock.monotonicMs() - startedMs);
  }

  /**
   * From the inside out, and the folder of all logs last: what has its name there is whole. Before a clean stop that
   * folder is left to whoever closes all of its logs, and syncs it once for them.
   */
  private async syncNames(isLast: boolean): Promise<void> {
    const { log } = this;
    const { disk } = this.context.runtime;
    this.hasNewNames = false;
    const epochsAreNamed = log.leaderEpochs.naming();
    try {
      if (!this.isRooted) await syncFile(this.context, `${log.path}/${PARTITION_METADATA_FILE}`);
      await disk.syncFolderAsync(log.path);
      epochsAreNamed();
      if (isLast) return;
      if (!this.isRooted) await disk.syncFolderAsync(log.logFolder.path);
      this.isRooted = true;
    } catch (error) {
      this.hasNewNames = true;
      throw error;
    }
  }
}

async function syncFile(context: LogContext, path: string): Promise<void> {
  const file = context.runtime.disk.open(path, 'write');
  try {
    await file.datasync();
  } catch (error) {
    throw new BrokerError('disk.failed', 'a file could not be synced', { cause: error, context: { path } });
  } finally {
    file.close();
  }
}
