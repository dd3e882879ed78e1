/**
 * One partition on disk.
 *
 * Offsets, in order: logStartOffset <= lastStableOffset <= highWatermark <= logEndOffset <= stagedEndOffset. Readers
 * see up to logEndOffset and whoever reads says how far; the high watermark is set by replication. What a batch means
 * to consumers is not known here, nor who may write it.
 */
import {
  BATCH_HEADER_BYTES,
  batchBaseOffset,
  batchLastOffset,
  batchLastOffsetDelta,
  batchPartitionLeaderEpoch,
  batchSizeBytes,
  ErrorCode,
} from '../protocol/mod.ts';
import { assert } from '../std/mod.ts';
import { admitBatch, followerProblem, type LeaderAppendOptions, stampBatch } from './admission.ts';
import { AppendQueue, type AppendTarget } from './append-queue.ts';
import type { Chunk } from './arena.ts';
import type { RecordError } from './batch-validator.ts';
import { encodePartitionMetadata, LEADER_EPOCH_FILE, PARTITION_METADATA_FILE, writeFile } from './checkpoints.ts';
import { Durability } from './durability.ts';
import { DELETED_SUFFIX, SNAPSHOT_SUFFIX, segmentFileName } from './file-names.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext } from './log-context.ts';
import type { LogFolder } from './log-folder.ts';
import { writeProducerSnapshot } from './producer-snapshot.ts';
import { ProducerStates } from './producer-state.ts';
import { EMPTY_READ, OUT_OF_RANGE_READ, type ReadOptions, type ReadResult } from './read-result.ts';
import { rebuildProducers, recoverLog, removeSnapshots, TAIL_READ_BYTES } from './recovery.ts';
import { Segment } from './segment.ts';
import { SegmentList } from './segment-list.ts';
import { readSegment, type SegmentReadOptions } from './segment-reader.ts';
import { TailCache } from './tail-cache.ts';
import { type AbortedTransaction, abortedTransactions } from './transaction-index.ts';
import { cutSegment, findCut } from './truncation.ts';

/** After the disk was full, how often a writer may find out whether it still is. */
const FULL_DISK_RETRY_MS = 1_000;
/** A disk that refuses so many writes in a row, not for want of room, is not tried any more. */
const FAILED_WRITES_MAX = 3;

export interface AppendResult {
  readonly errorCode: number;
  readonly errorMessage?: string;
  readonly recordErrors?: readonly RecordError[];
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
}

export interface NewPartitionLog {
  readonly context: LogContext;
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly config: LogConfig;
  readonly logFolder: LogFolder;
  readonly path: string;
}

export interface PartitionLogOptions extends NewPartitionLog {
  readonly isClean: boolean;
  readonly beforeRebuild: () => void;
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
}

export class PartitionLog implements AppendTarget {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly logFolder: LogFolder;
  readonly leaderEpochs: LeaderEpochs;
  readonly producers: ProducerStates;
  config: LogConfig;
  path: string;
  /** Called after log end offset moved. Replication sets it. */
  onAppended: () => void = () => {};
  private readonly context: LogContext;
  private readonly queue: AppendQueue;
  private readonly cache: TailCache;
  private readonly list = new SegmentList();
  private readonly durability: Durability;
  private startOffset = 0;
  private endOffset = 0;
  private writtenEnd = 0;
  private stagedEnd = 0;
  private watermark = 0;
  /** Where the log ended when it was last asked to rest. */
  private endAtRest = 0;
  private isClosed = false;
  private hasFiles = false;
  private isScheduled = false;
  private fullUntilMs = Number.NEGATIVE_INFINITY;
  private readonly runQueue = (): void => {
    this.isScheduled = false;
    this.queue.run();
  };

  private constructor(options: NewPartitionLog) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.topicId = options.topicId;
    this.logFolder = options.logFolder;
    this.config = options.config;
    this.path = options.path;
    this.context = options.context;
    this.leaderEpochs = LeaderEpochs.load(options.context.runtime.disk, `${options.path}/${LEADER_EPOCH_FILE}`);
    this.producers = new ProducerStates();
    this.cache = new TailCache(options.context.arena, 0);
    this.queue = new AppendQueue(this, options.context.runtime.clock);
    this.durability = new Durability(this, options.context);
  }

  /**
   * A log without records. Its folder is made when the first of them come, so that partitions that nobody writes to
   * cost no time when they are made and no inodes.
   */
  static create(options: NewPartitionLog): PartitionLog {
    const log = new PartitionLog(options);
    log.list.push(log.planSegment(0));
    log.durability.foundClean({ hasFiles: false });
    return log;
  }

  /** The folder exists; what is in it is recovered. */
  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    const log = new PartitionLog(options);
    log.hasFiles = true;
    const { disk, clock } = options.context.runtime;
    const recovered = await recoverLog({
      disk,
      folder: options.path,
      config: options.config,
      nowMs: clock.nowMs(),
      isClean: options.isClean,
      beforeRebuild: options.beforeRebuild,
      recoveryPoint: options.recoveryPoint,
      logStartOffset: options.logStartOffset,
      leaderEpochs: log.leaderEpochs,
      producers: log.producers,
      log: options.context.runtime.log,
    });
    for (const segment of recovered.segments) log.list.push(segment);
    log.startOffset = recovered.logStartOffset;
    log.resetEnds(recovered.logEndOffset);
    log.durability.startAt(recovered.recoveryPoint);
    log.watermark = Math.min(Math.max(options.highWatermark, log.startOffset), log.endOffset);
    log.producers.onHighWatermark(log.watermark);
    if (options.isClean) log.durability.foundClean({ hasFiles: true });
    // What had to be read again is not on the disk as it is now: that ends a log being as it was found.
    for (const segment of log.segments) {
      if (segment.syncedBytes === segment.sizeBytes) continue;
      log.durability.segmentWritten(segment);
      log.durability.namesChanged();
    }
    log.activeSegment.rollJitterMs = log.chooseJitter();
    log.endAtRest = log.endOffset;
    log.rest();
    // What a kill left in the page cache is shown to readers and acknowledged to a producer that retries: where nothing
    // is shown before it is on the disk, that must get there first.
    if (log.mustFlush()) await log.flush();
    return log;
  }

  get logStartOffset(): number {
    return this.startOffset;
  }

  get logEndOffset(): number {
    return this.endOffset;
  }

  get stagedEndOffset(): number {
    return this.stagedEnd;
  }

  get highWatermark(): number {
    return this.watermark;
  }

  get lastStableOffset(): number {
    const unstable = this.producers.firstUnstableOffset();
    return unstable === undefined ? this.watermark : Math.min(this.watermark, unstable);
  }

  /** Everything below it is on the disk: recovery starts here. */
  get recoveryPoint(): number {
    return this.durability.recoveryPoint;
  }

  get sizeBytes(): number {
    return this.list.sizeBytes;
  }

  /** Whether there is a folder at `path`. */
  get isOnDisk(): boolean {
    return this.hasFiles;
  }

  /** Closed, deleted or offline: its files are no longer its own to touch. */
  get isOver(): boolean {
    return this.isClosed || this.logFolder.isOffline;
  }

  get segments(): readonly Segment[] {
    return this.list.all;
  }

  get activeSegment(): Segment {
    return this.list.active;
  }

  /** Grows whenever segments come or go other than by a roll. */
  get generation(): number {
    return this.list.generation;
  }

  /** Gives back memory and descriptors; those of the active segment if nothing was written since it was last asked. */
  rest(): void {
    for (const segment of this.segments) {
      if (segment !== this.activeSegment || this.writtenEnd === this.endAtRest) segment.rest();
    }
    this.endAtRest = this.writtenEnd;
  }

  updateConfig(config: LogConfig): void {
    this.config = config;
  }

  /** Replication's word on what is committed; it may go back only after a truncation. */
  setHighWatermark(offset: number): void {
    this.watermark = Math.min(Math.max(offset, this.startOffset), this.endOffset);
    this.producers.onHighWatermark(this.watermark);
  }

  appendAsLeader(batch: Buffer, options: LeaderAppendOptions, done: (result: AppendResult) => void): void {
    const refusal = this.storageRefusal();
    if (refusal !== undefined) return done(this.refused(ErrorCode.KAFKA_STORAGE_ERROR, refusal));
    const nowMs = this.context.runtime.clock.nowMs();
    const { config, producers } = this;
    const admission = admitBatch(batch, { ...options, config, nowMs, producers });
    if (admission.kind === 'refuse') {
      return done(this.refused(admission.errorCode, admission.message, admission.recordErrors));
    }
    if (admission.kind === 'duplicate') {
      const answer = this.completion(admission.baseOffset, admission.lastOffset, admission.timestamp, done);
      // The original may still be on its way to the disk: its fate is this one's.
      if (admission.lastOffset < this.endOffset) return answer(ErrorCode.NONE);
      this.queue.push(undefined, 0, 0, answer);
      return this.schedule();
    }
    const { batch: accepted, appendTimeMs } = admission;
    const { leaderEpoch } = options;
    const baseOffset = this.stagedEnd;
    const lastOffset = baseOffset + batchLastOffsetDelta(accepted, 0);
    const { chunk, at } = this.cache.append(accepted, baseOffset, lastOffset + 1);
    stampBatch(chunk.buffer, at, { baseOffset, leaderEpoch, appendTimeMs });
    this.producers.stage(chunk.buffer, at);
    this.stagedEnd = lastOffset + 1;
    this.queue.push(chunk, at, accepted.length, this.completion(baseOffset, lastOffset, appendTimeMs, done));
    this.schedule();
  }

  /** Whole batches as the leader has them; a batch cut short at the end is left for the next fetch. */
  appendAsFollower(records: Buffer, done: (result: AppendResult) => void): void {
    const refusal = this.storageRefusal();
    if (refusal !== undefined) return done(this.refused(ErrorCode.KAFKA_STORAGE_ERROR, refusal));
    const problem = followerProblem(records, this.stagedEnd);
    if (problem !== undefined) return done(this.refused(ErrorCode.CORRUPT_MESSAGE, problem));
    let firstOffset = -1;
    let last: { chunk: Chunk; at: number; sizeBytes: number } | undefined;
    for (let at = 0; at + BATCH_HEADER_BYTES <= records.length; ) {
      const sizeBytes = batchSizeBytes(records, at);
      if (at + sizeBytes > records.length) break;
      const batch = records.subarray(at, at + sizeBytes);
      at += sizeBytes;
      if (last !== undefined) this.queue.push(last.chunk, last.at, last.sizeBytes, undefined);
      const baseOffset = batchBaseOffset(batch, 0);
      if (firstOffset < 0) firstOffset = baseOffset;
      this.stagedEnd = batchLastOffset(batch, 0) + 1;
      last = { ...this.cache.append(batch, baseOffset, this.stagedEnd), sizeBytes };
      this.producers.stage(last.chunk.buffer, last.at);
    }
    const answer = this.completion(firstOffset, this.stagedEnd - 1, -1, done);
    if (last === undefined) return answer(ErrorCode.NONE);
    this.queue.push(last.chunk, last.at, last.sizeBytes, answer);
    this.schedule();
  }

  read(options: ReadOptions): ReadResult | Promise<ReadResult> {
    if (options.offset < this.startOffset || options.offset > this.endOffset) return OUT_OF_RANGE_READ;
    const upperBoundOffset = Math.min(options.upperBoundOffset, this.endOffset);
    if (options.offset >= upperBoundOffset) return EMPTY_READ;
    if (this.cache.covers(options.offset)) return this.cache.read({ ...options, upperBoundOffset });
    const cachedFromOffset = this.cache.startOffset;
    return this.readFromDisk(this.segmentsFrom(options.offset), 0, { ...options, upperBoundOffset, cachedFromOffset });
  }

  /** Segments from the one that may hold `offset`. */
  segmentsFrom(offset: number): Segment[] {
    return this.list.from(offset);
  }

  /** Aborted transactions that overlap [fromOffset, upperOffset), for readers of committed data (T45). */
  abortedTransactions(fromOffset: number, upperOffset: number): AbortedTransaction[] {
    return abortedTransactions(this.segmentsFrom(fromOffset), fromOffset, upperOffset);
  }

  /** Removes everything from `offset` on, cutting at the batch that holds it. */
  async truncateTo(offset: number): Promise<void> {
    await this.queue.drain();
    if (offset >= this.endOffset) return;
    if (offset <= this.list.first.baseOffset) return this.restartAt(offset);
    const slot = this.list.slotOf(offset);
    const segment = this.segments[slot] as Segment;
    const cut = await findCut(segment, offset);
    this.cache.clear();
    for (const later of this.list.replace(slot + 1, this.segments.length, [])) this.discard(later);
    try {
      await cutSegment(segment, cut);
    } catch (error) {
      this.context.takeOffline(this.logFolder, error);
      throw error;
    }
    this.resetEnds(cut.endOffset);
    this.leaderEpochs.truncateFromEnd(cut.endOffset);
    await this.leaderEpochs.persist();
    await this.reloadProducers();
  }

  /** Drops everything and begins anew at `offset`, as a follower does whose leader no longer has what it needs. */
  async truncateFullyAndStartAt(offset: number): Promise<void> {
    await this.queue.drain();
    await this.restartAt(offset);
  }

  /** DeleteRecords and the leader's log start: nothing below `offset` may be read again. */
  deleteRecordsBefore(offset: number): void {
    if (offset <= this.startOffset) return;
    assert(offset <= this.endOffset, 'the log start is moved past the log end');
    this.startOffset = offset;
    this.leaderEpochs.truncateFromStart(offset);
    if (this.watermark < offset) this.setHighWatermark(offset);
    this.context.logStartMoved(this.logFolder);
  }

  /** Begins a new segment, if the active one holds anything. */
  roll(): void {
    const previous = this.activeSegment;
    if (previous.sizeBytes === 0) return;
    previous.finish();
    this.durability.snapshotWritten(this.writeSnapshot());
    this.beginSegment(this.writtenEnd);
    // Whatever rolled is synced in the background; the recovery point follows.
    if (!this.isClosed) this.flush().catch((error: unknown) => this.context.takeOffline(this.logFolder, error));
  }

  /** Takes segments out of the list that hold nothing at or past `newStartOffset`; the files go after a delay. */
  dropSegments(count: number): void {
    assert(count < this.segments.length, 'the active segment is dropped');
    const dropped = this.list.replace(0, count, []);
    const newStart = this.list.first.baseOffset;
    this.retireLater(dropped);
    if (newStart > this.startOffset) {
      this.startOffset = newStart;
      this.leaderEpochs.truncateFromStart(newStart);
    }
    removeSnapshots(this.context.runtime.disk, this.path, (offset) => offset < newStart);
  }

  /** The cleaner's swap: `replacements`, already in place on disk, stand for `count` segments from `slot`. */
  replaceSegments(slot: number, count: number, replacements: readonly Segment[]): Segment[] {
    this.durability.namesChanged();
    // Batches as they were before are no lie, but readers do better with the cleaned ones.
    if (this.queue.isIdle) this.cache.clear();
    return this.list.replace(slot, count, replacements);
  }

  /** Renames the files away now and removes them after `file.delete.delay.ms`: a read may still need them. */
  retireLater(segments: readonly Segment[]): void {
    for (const segment of segments) {
      this.durability.segmentGone(segment);
      segment.rename(DELETED_SUFFIX);
    }
    this.context.runtime.clock.after(this.config.fileDeleteDelayMs, () => {
      try {
        for (const segment of segments) {
          segment.retire();
          if (!this.isOver) segment.removeFiles();
        }
      } catch (error) {
        this.context.takeOffline(this.logFolder, error);
      }
    });
  }

  /** Makes everything written so far durable and moves the recovery point there. */
  async flush(): Promise<void> {
    if (this.hasFiles) await this.durability.flush();
  }

  /** True when flush.ms has passed since the last flush and there is something to flush. */
  isFlushDue(): boolean {
    return this.durability.isFlushDue(this.config.flushMs);
  }

  /** Resolves when everything staged is published or refused. */
  drain(): Promise<void> {
    return this.queue.drain();
  }

  /**
   * Clean: flushed, with a producer snapshot at the end, so that the next open need not scan. The snapshot itself is
   * not synced: it carries a checksum, and without it the next open only reads more. Where nothing happened since the
   * last clean stop all of that is there already.
   */
  async close(): Promise<void> {
    await this.queue.drain();
    this.isClosed = true;
    if (!this.logFolder.isOffline && this.durability.isAsFound) {
      if (this.endOffset > 0) await this.durability.flush({ isLast: true });
    } else if (!this.logFolder.isOffline) {
      for (const segment of this.segments) this.durability.segmentWritten(segment);
      this.activeSegment.finish();
      if (!this.isReadAtOnce) this.writeSnapshot();
      if (this.hasFiles) await this.durability.flush({ isLast: true });
    }
    this.letGo();
  }

  /** Closes files without writing: the folder is offline, or the partition is being deleted. */
  abandon(): void {
    this.isClosed = true;
    this.queue.abandon(ErrorCode.KAFKA_STORAGE_ERROR);
    this.durability.abandon();
    this.letGo();
  }

  // What the append queue asks for.

  segmentFor(
    batch: { readonly sizeBytes: number; readonly maxTimestamp: number; readonly lastOffset: number },
    runBytes: number,
  ): Segment | undefined {
    const active = this.activeSegment;
    if (batch.sizeBytes === 0) return active;
    this.makeFiles();
    if (active.sizeBytes === 0) return runBytes === 0 ? active : undefined;
    const wanted = { ...batch, sizeBytes: batch.sizeBytes + runBytes };
    if (!active.shouldRoll(wanted, this.config, this.context.runtime.clock.nowMs())) return active;
    if (runBytes > 0) return undefined;
    this.roll();
    return this.activeSegment;
  }

  batchWritten(segment: Segment, chunk: Chunk, at: number, sizeBytes: number): void {
    const { buffer } = chunk;
    segment.appended(buffer, at, sizeBytes, this.config.indexIntervalBytes);
    this.durability.segmentWritten(segment);
    const baseOffset = batchBaseOffset(buffer, at);
    this.leaderEpochs.assign(batchPartitionLeaderEpoch(buffer, at), baseOffset);
    const completed = this.producers.apply(buffer, at);
    if (completed?.isAborted) {
      const lastStableOffset = this.producers.lastStableOffsetAfter(completed);
      segment.transactionIndex.append({ ...completed, lastStableOffset });
      this.durability.namesChanged();
    }
    this.writtenEnd = batchLastOffset(buffer, at) + 1;
    if (this.writtenEnd === this.stagedEnd) this.producers.dropStaged();
  }

  mustFlush(): boolean {
    // Counted from what a flush has finished, not begun: another one may be under way that does not cover the last
    // writes.
    return this.writtenEnd - this.recoveryPoint >= this.config.flushMessages;
  }

  writtenEndOffset(): number {
    return this.writtenEnd;
  }

  publish(writtenEndOffset: number): void {
    if (writtenEndOffset <= this.endOffset) return;
    this.logFolder.failedWrites = 0;
    this.endOffset = writtenEndOffset;
    this.cache.publishedEndOffset = writtenEndOffset;
    this.onAppended();
  }

  writeFailed(segment: Segment | undefined, sizeBytes: number, error: unknown): void {
    const { runtime } = this.context;
    runtime.log.error({ topic: this.topic, partition: this.partition, err: error }, 'append to the log failed');
    this.cache.dropFrom(this.writtenEnd);
    this.stagedEnd = this.writtenEnd;
    this.producers.dropStaged();
    try {
      if (segment !== undefined && segment.file.sizeBytes() > sizeBytes) segment.file.truncate(sizeBytes);
    } catch (truncateError) {
      this.context.takeOffline(this.logFolder, truncateError);
      return;
    }
    const { code } = error as { code?: unknown };
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      this.fullUntilMs = runtime.clock.monotonicMs() + FULL_DISK_RETRY_MS;
      this.context.foundFull(this.logFolder);
    } else if (++this.logFolder.failedWrites >= FAILED_WRITES_MAX) this.context.takeOffline(this.logFolder, error);
  }

  flushFailed(error: unknown): void {
    // After a failed fsync the kernel may have dropped the pages: what is on disk is unknown until it is read again.
    this.context.takeOffline(this.logFolder, error);
  }

  private storageRefusal(): string | undefined {
    if (this.logFolder.isOffline || this.isClosed) return 'the log folder is offline';
    if (this.context.runtime.clock.monotonicMs() < this.fullUntilMs) return 'the disk is full';
    return undefined;
  }

  private completion(
    baseOffset: number,
    lastOffset: number,
    logAppendTimeMs: number,
    done: (result: AppendResult) => void,
  ): (errorCode: number) => void {
    return (errorCode) => {
      if (errorCode !== ErrorCode.NONE) return done(this.refused(errorCode, 'the batch could not be written'));
      done({ errorCode, baseOffset, lastOffset, logAppendTimeMs, logStartOffset: this.startOffset });
    };
  }

  private refused(errorCode: number, errorMessage: string, recordErrors?: readonly RecordError[]): AppendResult {
    const base = { errorCode, errorMessage, baseOffset: -1, lastOffset: -1, logAppendTimeMs: -1 };
    const result = { ...base, logStartOffset: this.startOffset };
    return recordErrors === undefined ? result : { ...result, recordErrors };
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.context.markDirty(this.runQueue);
  }

  /** From the first of the segments that holds anything at or past the offset. */
  private readFromDisk(
    segments: readonly Segment[],
    slot: number,
    options: SegmentReadOptions,
  ): ReadResult | Promise<ReadResult> {
    const segment = segments[slot];
    if (segment === undefined || segment.baseOffset >= options.upperBoundOffset) return EMPTY_READ;
    const result = readSegment(segment, this.context, options);
    if (result instanceof Promise) return result.then((late) => late ?? this.readFromDisk(segments, slot + 1, options));
    return result ?? this.readFromDisk(segments, slot + 1, options);
  }

  private async restartAt(offset: number): Promise<void> {
    this.makeFiles();
    this.cache.clear();
    for (const segment of this.list.replace(0, this.segments.length, [])) this.discard(segment);
    removeSnapshots(this.context.runtime.disk, this.path, () => true);
    this.durability.snapshotsGone();
    this.beginSegment(offset);
    this.startOffset = offset;
    this.resetEnds(offset);
    this.durability.startAt(offset);
    this.watermark = offset;
    this.leaderEpochs.clear();
    this.producers.restore([]);
    await this.leaderEpochs.persist();
  }

  private resetEnds(offset: number): void {
    this.endOffset = offset;
    this.writtenEnd = offset;
    this.stagedEnd = offset;
    this.durability.cutTo(offset);
    this.watermark = Math.min(this.watermark, offset);
    this.cache.publishedEndOffset = offset;
  }

  private async reloadProducers(): Promise<void> {
    const { disk, log } = this.context.runtime;
    const { path: folder, producers, endOffset } = this;
    await rebuildProducers({ disk, folder, producers, log }, this.list, endOffset);
    producers.onHighWatermark(this.watermark);
  }

  private discard(segment: Segment): void {
    this.durability.segmentGone(segment);
    segment.removeFiles();
    segment.retire();
    this.durability.namesChanged();
  }

  private makeFiles(): void {
    if (this.hasFiles) return;
    const { disk } = this.context.runtime;
    disk.makeFolder(this.path);
    // Not synced before the log's first flush ends, as everything else of it.
    writeFile(disk, `${this.path}/${PARTITION_METADATA_FILE}`, encodePartitionMetadata(this.topicId));
    this.activeSegment.makeFiles();
    this.hasFiles = true;
  }

  private planSegment(baseOffset: number): Segment {
    const { disk, clock } = this.context.runtime;
    const segment = Segment.plan({ disk, folder: this.path, baseOffset, nowMs: clock.nowMs() });
    segment.rollJitterMs = this.chooseJitter();
    return segment;
  }

  private beginSegment(baseOffset: number): void {
    const segment = this.planSegment(baseOffset);
    segment.makeFiles();
    this.list.push(segment);
    this.durability.segmentWritten(segment);
    this.durability.namesChanged();
  }

  /** All that was ever written to it is in what an open reads in any case, and with it what its producers did. */
  private get isReadAtOnce(): boolean {
    const { baseOffset, sizeBytes } = this.activeSegment;
    return baseOffset === 0 && sizeBytes <= TAIL_READ_BYTES;
  }

  private writeSnapshot(): string {
    const path = `${this.path}/${segmentFileName(this.writtenEnd, SNAPSHOT_SUFFIX)}`;
    writeProducerSnapshot(this.context.runtime.disk, path, [...this.producers.all()]);
    return path;
  }

  private chooseJitter(): number {
    const jitterMs = Math.min(this.config.segmentJitterMs, this.config.segmentMs);
    return jitterMs === 0 ? 0 : this.context.runtime.random.uint32() % jitterMs;
  }

  private letGo(): void {
    this.cache.clear();
    for (const segment of this.segments) segment.retire();
  }
}
