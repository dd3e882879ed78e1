/**
 * Chooses the log to compact, has it done off the loop, and swaps the result in (T103).
 *
 * The swap survives a crash at any point: `.cleaned` files vanish, a `.swap` log is complete and wins over the segments
 * that it replaces. It happens only if the segment list is what the job was given.
 */
import { BrokerError } from '../../std/mod.ts';
import type { OffsetCheckpoint } from '../checkpoints.ts';
import { CLEANED_SUFFIX, partitionFolderName, SEGMENT_SUFFIXES, SWAP_SUFFIX, segmentFileName } from '../file-names.ts';
import type { LogContext } from '../log-context.ts';
import type { LogFolder } from '../log-folder.ts';
import type { PartitionLog } from '../partition-log.ts';
import { Segment } from '../segment.ts';
import type { CleanInput, CleanOutput, CleanSegment } from './clean-job.ts';

const JOB_MODULE = new URL('./clean-job.ts', import.meta.url).href;
const RELATIVE_OFFSET_MAX = 0x7fff_ffff;

export interface CleanPlan {
  readonly log: PartitionLog;
  readonly segments: readonly Segment[];
  readonly firstDirtyOffset: number;
  readonly endOffset: number;
  readonly dirtyRatio: number;
  /** How long ago max.compaction.lag.ms ran out for its oldest dirty record; 0 when it did not. */
  readonly overdueMs: number;
  /** Dirty enough, or overdue. */
  readonly isDue: boolean;
}

/** What the cleaner found and did last. */
export interface CleanerStatus {
  /** Dirty share of the dirtiest log, when last looked at. */
  maxDirtyRatio: number;
  maxOverdueMs: number;
  /** Monotonic time of the last look. */
  lastRunMs: number;
  /** Of the last cleaning. */
  elapsedMs: number;
  bytesRead: number;
  bytesWritten: number;
  mapUtilization: number;
}

/** Undefined when nothing in the log may be cleaned. */
export function planCleaning(log: PartitionLog, cleanOffset: number, nowMs: number): CleanPlan | undefined {
  const { config, segments } = log;
  if (!config.cleanupCompact) return undefined;
  const firstDirtyOffset = Math.max(cleanOffset > log.logEndOffset ? 0 : cleanOffset, log.logStartOffset);
  const limit = Math.min(log.lastStableOffset, log.recoveryPoint, log.activeSegment.baseOffset);
  const cleanable: Segment[] = [];
  let cleanBytes = 0;
  let dirtyBytes = 0;
  let endOffset = firstDirtyOffset;
  let oldestDirtyMs: number | undefined;
  for (let slot = 0; slot < segments.length - 1; slot++) {
    const segment = segments[slot] as Segment;
    const next = (segments[slot + 1] as Segment).baseOffset;
    const isYoung = config.minCompactionLagMs > 0 && nowMs - segment.largestTimestamp < config.minCompactionLagMs;
    if (next > limit || (isYoung && next > firstDirtyOffset)) break;
    cleanable.push(segment);
    if (next <= firstDirtyOffset) cleanBytes += segment.sizeBytes;
    else {
      dirtyBytes += segment.sizeBytes;
      endOffset = next;
      oldestDirtyMs ??= segment.firstBatchTimestamp();
    }
  }
  if (dirtyBytes === 0) return undefined;
  const dirtyRatio = dirtyBytes / (cleanBytes + dirtyBytes);
  const overdueMs = oldestDirtyMs === undefined ? 0 : Math.max(0, nowMs - oldestDirtyMs - config.maxCompactionLagMs);
  const isDue = dirtyRatio > config.minCleanableDirtyRatio || overdueMs > 0;
  return { log, segments: cleanable, firstDirtyOffset, endOffset, dirtyRatio, overdueMs, isDue };
}

/** Neighbours that together fit one segment become one. */
export function groupSegments(segments: readonly Segment[], segmentBytes: number): CleanSegment[][] {
  const groups: CleanSegment[][] = [];
  let group: CleanSegment[] = [];
  let groupBytes = 0;
  segments.forEach((segment, slot) => {
    const first = group[0]?.baseOffset ?? segment.baseOffset;
    const nextBase = segments[slot + 1]?.baseOffset ?? segment.baseOffset;
    const isTooWide = Math.max(nextBase, segment.baseOffset) - first > RELATIVE_OFFSET_MAX;
    if (group.length > 0 && (groupBytes + segment.sizeBytes > segmentBytes || isTooWide)) {
      groups.push(group);
      group = [];
      groupBytes = 0;
    }
    group.push({ baseOffset: segment.baseOffset, sizeBytes: segment.sizeBytes });
    groupBytes += segment.sizeBytes;
  });
  if (group.length > 0) groups.push(group);
  return groups;
}

export class LogCleaner {
  readonly status: CleanerStatus;
  private readonly context: LogContext;
  private readonly persistRecoveryPoints: (folder: LogFolder) => Promise<void>;
  private readonly cleanOffsets = new Map<string, number>();
  /** Logs that could not be cleaned: set aside until a restart, they must not keep the others waiting. */
  private readonly uncleanable = new Set<string>();

  /**
   * `persistRecoveryPoints` makes the checkpoint durable: recovery takes a gap above it for a loss, and cleaning makes
   * gaps.
   */
  constructor(context: LogContext, persistRecoveryPoints: (folder: LogFolder) => Promise<void>) {
    this.context = context;
    this.persistRecoveryPoints = persistRecoveryPoints;
    this.status = {
      maxDirtyRatio: 0,
      maxOverdueMs: 0,
      lastRunMs: context.runtime.clock.monotonicMs(),
      elapsedMs: 0,
      bytesRead: 0,
      bytesWritten: 0,
      mapUtilization: 0,
    };
  }

  isUncleanable(log: PartitionLog): boolean {
    return this.uncleanable.has(partitionFolderName(log.topic, log.partition));
  }

  restore(offsets: ReadonlyMap<string, number>): void {
    for (const [name, offset] of offsets) this.cleanOffsets.set(name, offset);
  }

  forget(name: string): void {
    this.cleanOffsets.delete(name);
    this.uncleanable.delete(name);
  }

  /** Of the given logs, those that have been cleaned, with the offset below which they are clean. */
  checkpoint(logs: readonly OffsetCheckpoint[]): OffsetCheckpoint[] {
    return logs.flatMap(({ topic, partition }) => {
      const offset = this.cleanOffsets.get(partitionFolderName(topic, partition));
      return offset === undefined ? [] : [{ topic, partition, offset }];
    });
  }

  async cleanOnce(logs: readonly PartitionLog[]): Promise<boolean> {
    const { clock } = this.context.runtime;
    const nowMs = clock.nowMs();
    const { status } = this;
    Object.assign(status, { maxDirtyRatio: 0, maxOverdueMs: 0, lastRunMs: clock.monotonicMs() });
    let dirtiest: CleanPlan | undefined;
    for (const log of logs) {
      const name = partitionFolderName(log.topic, log.partition);
      if (this.uncleanable.has(name)) continue;
      const plan = planCleaning(log, this.cleanOffsets.get(name) ?? 0, nowMs);
      if (plan === undefined) continue;
      status.maxDirtyRatio = Math.max(status.maxDirtyRatio, plan.dirtyRatio);
      status.maxOverdueMs = Math.max(status.maxOverdueMs, plan.overdueMs);
      if (plan.isDue && plan.dirtyRatio > (dirtiest?.dirtyRatio ?? -1)) dirtiest = plan;
    }
    if (dirtiest === undefined) return false;
    const { topic, partition } = dirtiest.log;
    try {
      return await this.clean(dirtiest, nowMs);
    } catch (error) {
      // Deleted meanwhile: its files are gone, and another log may have its name by now.
      if (dirtiest.log.isOver) return true;
      this.uncleanable.add(partitionFolderName(topic, partition));
      this.context.runtime.log.error({ topic, partition, err: error }, 'log could not be cleaned and is set aside');
      return true;
    }
  }

  private async clean(plan: CleanPlan, nowMs: number): Promise<boolean> {
    const { log } = plan;
    const { generation } = log;
    const input: CleanInput = {
      folder: log.path,
      groups: groupSegments(plan.segments, log.config.segmentBytes),
      firstDirtyOffset: plan.firstDirtyOffset,
      endOffset: plan.endOffset,
      mapBytesMax: this.context.config.cleanerDedupeBufferBytes,
      nowMs,
      deleteRetentionMs: log.config.deleteRetentionMs,
      indexIntervalBytes: log.config.indexIntervalBytes,
      highWatermark: log.highWatermark,
      activeProducers: [...log.producers.all()].map((entry) => ({
        producerId: entry.producerId,
        lastOffset: entry.batches.at(-1)?.lastOffset ?? -1,
      })),
    };
    const { clock, executor } = this.context.runtime;
    const startedMs = clock.monotonicMs();
    const output = await executor.run<CleanInput, CleanOutput>(JOB_MODULE, 'job', input);
    const { bytesRead, bytesWritten, mapUtilization } = output;
    const elapsedMs = clock.monotonicMs() - startedMs;
    Object.assign(this.status, { elapsedMs, bytesRead, bytesWritten, mapUtilization });
    if (output.cleanEndOffset <= plan.firstDirtyOffset) {
      this.discard(log, output);
      throw new BrokerError('config.invalid', 'log.cleaner.dedupe.buffer.size has no room for the keys of one batch');
    }
    await this.persistRecoveryPoints(log.logFolder);
    if (log.generation !== generation || log.isOver) {
      if (!log.isOver) this.discard(log, output);
      return !log.isOver;
    }
    this.swap(log, output);
    this.cleanOffsets.set(partitionFolderName(log.topic, log.partition), output.cleanEndOffset);
    return true;
  }

  private swap(log: PartitionLog, output: CleanOutput): void {
    const { disk, clock } = this.context.runtime;
    for (const { baseOffset, sizeBytes, replaces } of output.cleaned) {
      const folder = log.path;
      const createdMs = clock.nowMs();
      const segment = new Segment({ disk, folder, baseOffset, sizeBytes, createdMs, suffix: CLEANED_SUFFIX });
      segment.syncedBytes = sizeBytes;
      segment.rename(SWAP_SUFFIX, 'logFirst');
      disk.syncFolder(folder);
      const slot = log.segments.findIndex((each) => each.baseOffset === baseOffset);
      log.retireLater(log.replaceSegments(slot, replaces, [segment]));
      segment.rename('', 'logLast');
      disk.syncFolder(folder);
    }
  }

  private discard(log: PartitionLog, output: CleanOutput): void {
    const { disk } = this.context.runtime;
    for (const { baseOffset } of output.cleaned) {
      for (const kind of SEGMENT_SUFFIXES) {
        const path = `${log.path}/${segmentFileName(baseOffset, kind)}${CLEANED_SUFFIX}`;
        if (disk.exists(path)) disk.removeFile(path);
      }
    }
  }
}
