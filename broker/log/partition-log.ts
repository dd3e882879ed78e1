/**
 * One partition on disk.
 *
 * Offsets, in order: logStartOffset <= lastStableOffset <= highWatermark <= logEndOffset <= stagedEndOffset. Readers
 * see up to logEndOffset and whoever reads says how far; the high watermark is set by replication. What a batch means
 * to consumers is not known here, nor who may write it.
 */
import {
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchCrc,
  batchIsControl,
  batchLastOffset,
  batchLastOffsetDelta,
  batchMagic,
  batchMaxTimestamp,
  batchPartitionLeaderEpoch,
  batchProducerEpoch,
  batchProducerId,
  batchSizeBytes,
  computeBatchCrc,
  ErrorCode,
  resealBatch,
  setBatchAttributes,
  setBatchBaseOffset,
  setBatchMaxTimestamp,
  setBatchPartitionLeaderEpoch,
} from '../protocol/mod.ts';
import { assert, BrokerError } from '../std/mod.ts';
import { AppendQueue, type AppendTarget } from './append-queue.ts';
import type { Chunk } from './arena.ts';
import { LOG_APPEND_TIME_ATTRIBUTE, type RecordError, validateBatch } from './batch-validator.ts';
import { LEADER_EPOCH_FILE } from './checkpoints.ts';
import { DELETED_SUFFIX, SNAPSHOT_SUFFIX, segmentFileName } from './file-names.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import type { LogConfig } from './log-config.ts';
import type { LogContext, LogFolder } from './log-context.ts';
import { scanBatches } from './log-scan.ts';
import { encodeProducerSnapshot } from './producer-snapshot.ts';
import { ProducerStates, readMarker, type SequenceVerdict } from './producer-state.ts';
import { EMPTY_READ, OUT_OF_RANGE_READ, type ReadOptions, type ReadResult } from './read-result.ts';
import { recoverLog, removeSnapshots, restoreProducers } from './recovery.ts';
import { Segment } from './segment.ts';
import { readSegment, type SegmentReadOptions } from './segment-reader.ts';
import { TailCache } from './tail-cache.ts';
import type { AbortedTransaction } from './transaction-index.ts';

/** After the disk was full, how often a writer may find out whether it still is. */
const FULL_DISK_RETRY_MS = 1_000;

export interface AppendResult {
  readonly errorCode: number;
  readonly errorMessage?: string;
  readonly recordErrors?: readonly RecordError[];
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
}

export interface LeaderAppendOptions {
  readonly leaderEpoch: number;
  readonly origin: 'client' | 'coordinator';
  readonly produceVersion: number;
  readonly requiredAcks?: number;
  /** Transactions v2: a producer without state starts at sequence 0, and a marker carries a bumped epoch. */
  readonly isTransactionV2?: boolean;
}

export interface PartitionLogOptions {
  readonly context: LogContext;
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly config: LogConfig;
  readonly logFolder: LogFolder;
  readonly path: string;
  readonly isClean: boolean;
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
  /** Grows whenever segments come or go other than by a roll; the cleaner compares it before it swaps. */
  generation = 0;
  /** Called after log end offset moved. Replication sets it. */
  onAppended: () => void = () => {};
  private readonly context: LogContext;
  private readonly queue: AppendQueue;
  private readonly cache: TailCache;
  private segmentList: Segment[] = [];
  private startOffset = 0;
  private endOffset = 0;
  private writtenEnd = 0;
  private stagedEnd = 0;
  private watermark = 0;
  private syncedEnd = 0;
  private lastFlushMs: number;
  private isClosed = false;
  private isScheduled = false;
  private fullUntilMs = Number.NEGATIVE_INFINITY;
  private namesChanged = true;
  private readonly toSync = new Set<Segment>();
  private readonly snapshotsToSync = new Set<string>();
  private readonly runQueue = (): void => {
    this.isScheduled = false;
    this.queue.run();
  };

  private constructor(options: PartitionLogOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.topicId = options.topicId;
    this.logFolder = options.logFolder;
    this.config = options.config;
    this.path = options.path;
    this.context = options.context;
    this.lastFlushMs = options.context.runtime.clock.monotonicMs();
    this.leaderEpochs = LeaderEpochs.load(options.context.runtime.disk, `${options.path}/${LEADER_EPOCH_FILE}`);
    this.producers = new ProducerStates();
    this.cache = new TailCache(options.context.arena, 0);
    this.queue = new AppendQueue(this, options.context.runtime.clock);
  }

  /** The folder exists; what is in it is recovered. */
  static async open(options: PartitionLogOptions): Promise<PartitionLog> {
    const log = new PartitionLog(options);
    const { disk, clock } = options.context.runtime;
    const recovered = await recoverLog({
      disk,
      folder: options.path,
      config: options.config,
      nowMs: clock.nowMs(),
      isClean: options.isClean,
      recoveryPoint: options.recoveryPoint,
      logStartOffset: options.logStartOffset,
      leaderEpochs: log.leaderEpochs,
      producers: log.producers,
      log: options.context.runtime.log,
    });
    log.segmentList = recovered.segments;
    log.startOffset = recovered.logStartOffset;
    log.resetEnds(recovered.logEndOffset);
    log.syncedEnd = recovered.recoveryPoint;
    log.watermark = Math.min(Math.max(options.highWatermark, log.startOffset), log.endOffset);
    log.producers.onHighWatermark(log.watermark);
    for (const segment of log.segmentList) if (segment.syncedBytes < segment.sizeBytes) log.toSync.add(segment);
    log.activeSegment.rollJitterMs = log.chooseJitter();
    for (const segment of log.segmentList.slice(0, -1)) segment.closeFile();
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
    return this.syncedEnd;
  }

  get sizeBytes(): number {
    let sum = 0;
    for (const segment of this.segmentList) sum += segment.sizeBytes;
    return sum;
  }

  /** Closed, deleted or offline: its files are no longer its own to touch. */
  get isOver(): boolean {
    return this.isClosed || this.logFolder.isOffline;
  }

  get segments(): readonly Segment[] {
    return this.segmentList;
  }

  get activeSegment(): Segment {
    return this.segmentList[this.segmentList.length - 1] as Segment;
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
    const validation = validateBatch(batch, { ...options, config: this.config, nowMs });
    if (validation.kind === 'refuse') {
      return done(this.refused(validation.errorCode, validation.message, validation.recordErrors));
    }
    const accepted = validation.batch;
    const verdict = this.checkProducer(accepted, options.isTransactionV2 ?? false);
    if (verdict.kind === 'refuse') return done(this.refused(verdict.errorCode, verdict.message));
    if (verdict.kind === 'duplicate') {
      const { lastOffset, offsetDelta, timestamp } = verdict.batch;
      // Kafka answers a duplicate with the timestamp of the original, whatever the type of timestamps is.
      const answer = this.completion(lastOffset - offsetDelta, lastOffset, timestamp, done);
      // The original may still be on its way to the disk: its fate is this one's.
      if (lastOffset < this.endOffset) return answer(ErrorCode.NONE);
      this.queue.push(undefined, 0, 0, answer);
      return this.schedule();
    }
    const baseOffset = this.stagedEnd;
    const lastOffset = baseOffset + batchLastOffsetDelta(accepted, 0);
    let placed: { readonly chunk: Chunk; readonly at: number };
    placed = this.cache.append(accepted, baseOffset, lastOffset + 1);
    const { buffer } = placed.chunk;
    setBatchBaseOffset(buffer, placed.at, baseOffset);
    setBatchPartitionLeaderEpoch(buffer, placed.at, options.leaderEpoch);
    if (validation.appendTimeMs >= 0) {
      setBatchAttributes(buffer, placed.at, batchAttributes(buffer, placed.at) | LOG_APPEND_TIME_ATTRIBUTE);
      setBatchMaxTimestamp(buffer, placed.at, validation.appendTimeMs);
      resealBatch(buffer, placed.at);
    }
    this.producers.stage(buffer, placed.at);
    this.stagedEnd = lastOffset + 1;
    const answer = this.completion(baseOffset, lastOffset, validation.appendTimeMs, done);
    this.queue.push(placed.chunk, placed.at, accepted.length, answer);
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
    if (!this.cache.covers(options.offset)) {
      const cachedFromOffset = this.cache.startOffset;
      return this.readFromDisk(this.segmentsFrom(options.offset), 0, {
        ...options,
        upperBoundOffset,
        cachedFromOffset,
      });
    }
    const slices = this.cache.read(options.offset, upperBoundOffset, options.maxBytes, options.minOneBatch);
    let isReleased = false;
    return {
      chunks: slices.buffers,
      sizeBytes: slices.sizeBytes,
      isOutOfRange: false,
      release() {
        if (!isReleased) for (const chunk of slices.held) chunk.release();
        isReleased = true;
      },
    };
  }

  /** Segments from the one that may hold `offset`. */
  segmentsFrom(offset: number): Segment[] {
    return this.segmentList.slice(Math.max(0, this.segmentSlot(offset)));
  }

  /** Aborted transactions that overlap [fromOffset, upperOffset), for readers of committed data (T45). */
  abortedTransactions(fromOffset: number, upperOffset: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    for (const segment of this.segmentsFrom(fromOffset)) {
      for (const transaction of segment.transactionIndex.all()) {
        if (transaction.lastOffset >= fromOffset && transaction.firstOffset < upperOffset) found.push(transaction);
        // Everything below this offset was decided when that marker was written: nothing later reaches back.
        if (transaction.lastStableOffset >= upperOffset) return found;
      }
    }
    return found;
  }

  /** Removes everything from `offset` on, cutting at the batch that holds it. */
  async truncateTo(offset: number): Promise<void> {
    await this.queue.drain();
    if (offset >= this.endOffset) return;
    if (offset <= (this.segmentList[0] as Segment).baseOffset) return this.restartAt(offset);
    const slot = this.segmentSlot(offset);
    const segment = this.segmentList[slot] as Segment;
    let newEnd = segment.baseOffset;
    const from = segment.offsetIndex.lookup(offset - 1);
    const position = await scanBatches(segment.file, { from, to: segment.sizeBytes, verify: false }, (buffer, at) => {
      if (batchLastOffset(buffer, at) >= offset) return false;
      newEnd = batchLastOffset(buffer, at) + 1;
      return true;
    });
    const isWhole = position >= segment.sizeBytes;
    // The log's end is the offset asked for, even when the batch before it ends earlier, as in a compacted log.
    const endOffset = isWhole ? offset : Math.max(newEnd, Math.min(offset, newEnd));
    this.cache.clear();
    this.generation += 1;
    for (const later of this.segmentList.splice(slot + 1)) this.discard(later);
    if (!isWhole) segment.truncate(position, endOffset);
    await scanBatches(
      segment.file,
      { from: segment.offsetIndex.lastPosition(), to: position, verify: false },
      (b, at) => {
        segment.noteTimestamp(batchMaxTimestamp(b, at), batchLastOffset(b, at));
        return true;
      },
    );
    this.resetEnds(endOffset);
    this.leaderEpochs.truncateFromEnd(endOffset);
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
    const { disk, clock } = this.context.runtime;
    previous.finish();
    this.writeSnapshot();
    const segment = Segment.create({
      disk,
      folder: this.path,
      baseOffset: this.writtenEnd,
      nowMs: clock.nowMs(),
    });
    segment.rollJitterMs = this.chooseJitter();
    this.segmentList.push(segment);
    this.namesChanged = true;
    this.toSync.add(segment);
    // Whatever rolled is synced in the background; the recovery point follows.
    if (!this.isClosed) this.flush().catch((error: unknown) => this.context.takeOffline(this.logFolder, error));
  }

  /** Takes segments out of the list that hold nothing at or past `newStartOffset`; the files go after a delay. */
  dropSegments(count: number): void {
    assert(count < this.segmentList.length, 'the active segment is dropped');
    const dropped = this.segmentList.splice(0, count);
    this.generation += 1;
    const newStart = (this.segmentList[0] as Segment).baseOffset;
    this.retireLater(dropped);
    if (newStart > this.startOffset) {
      this.startOffset = newStart;
      this.leaderEpochs.truncateFromStart(newStart);
    }
    removeSnapshots(this.context.runtime.disk, this.path, (offset) => offset < newStart);
  }

  /** The cleaner's swap: `replacements`, already in place on disk, stand for `count` segments from `slot`. */
  replaceSegments(slot: number, count: number, replacements: readonly Segment[]): Segment[] {
    this.generation += 1;
    this.namesChanged = true;
    // Batches as they were before are no lie, but readers do better with the cleaned ones.
    if (this.queue.isIdle) this.cache.clear();
    return this.segmentList.splice(slot, count, ...replacements);
  }

  /** Renames the files away now and removes them after `file.delete.delay.ms`: a read may still need them. */
  retireLater(segments: readonly Segment[]): void {
    for (const segment of segments) {
      this.toSync.delete(segment);
      segment.rename(DELETED_SUFFIX);
    }
    this.context.runtime.clock.after(this.config.fileDeleteDelayMs, () => {
      for (const segment of segments) {
        segment.retire();
        if (!this.logFolder.isOffline && !this.isClosed) segment.removeFiles();
      }
    });
  }

  /** Makes everything written so far durable and moves the recovery point there. */
  async flush(): Promise<void> {
    const endOffset = this.writtenEnd;
    const { disk } = this.context.runtime;
    const segments = [...this.toSync];
    const snapshots = [...this.snapshotsToSync];
    const startedMs = this.context.runtime.clock.monotonicMs();
    this.lastFlushMs = startedMs;
    if (this.namesChanged) {
      disk.syncFolder(this.path);
      this.namesChanged = false;
    }
    for (const segment of segments) await segment.sync({ withIndexes: segment !== this.activeSegment });
    for (const path of snapshots) {
      if (disk.exists(path)) await syncFile(this.context, path);
      this.snapshotsToSync.delete(path);
    }
    await this.leaderEpochs.persist();
    for (const segment of segments) {
      if (segment !== this.activeSegment && segment.syncedBytes >= segment.sizeBytes) this.toSync.delete(segment);
    }
    if (endOffset > this.syncedEnd && endOffset <= this.writtenEnd) this.syncedEnd = endOffset;
    this.context.flushed(this.context.runtime.clock.monotonicMs() - startedMs);
  }

  /** True when flush.ms has passed since the last flush and there is something to flush. */
  isFlushDue(): boolean {
    const sinceMs = this.context.runtime.clock.monotonicMs() - this.lastFlushMs;
    return this.writtenEnd > this.syncedEnd && sinceMs >= this.config.flushMs;
  }

  /** Resolves when everything staged is published or refused. */
  drain(): Promise<void> {
    return this.queue.drain();
  }

  /** Clean: flushed, with a producer snapshot at the end, so that the next open need not scan. */
  async close(): Promise<void> {
    await this.queue.drain();
    this.isClosed = true;
    if (!this.logFolder.isOffline) {
      for (const segment of this.segmentList) this.toSync.add(segment);
      this.activeSegment.finish();
      this.writeSnapshot();
      this.namesChanged = true;
      await this.flush();
      for (const segment of this.segmentList.slice(-1)) await segment.sync({ withIndexes: true });
    }
    this.letGo();
  }

  /** Closes files without writing: the folder is offline, or the partition is being deleted. */
  abandon(): void {
    this.isClosed = true;
    this.queue.abandon(ErrorCode.KAFKA_STORAGE_ERROR);
    this.letGo();
  }

  /** Follows a rename of the folder. */
  moveTo(path: string): void {
    this.path = path;
    this.leaderEpochs.path = `${path}/${LEADER_EPOCH_FILE}`;
    for (const segment of this.segmentList) segment.moveTo(path);
  }

  // What the append queue asks for.

  segmentFor(
    batch: { readonly sizeBytes: number; readonly maxTimestamp: number; readonly lastOffset: number },
    runBytes: number,
  ): Segment | undefined {
    const active = this.activeSegment;
    if (batch.sizeBytes === 0) return active;
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
    this.toSync.add(segment);
    const baseOffset = batchBaseOffset(buffer, at);
    this.leaderEpochs.assign(batchPartitionLeaderEpoch(buffer, at), baseOffset);
    const completed = this.producers.apply(buffer, at);
    if (completed?.isAborted) {
      const lastStableOffset = this.producers.lastStableOffsetAfter(completed);
      segment.transactionIndex.append({ ...completed, lastStableOffset });
    }
    this.writtenEnd = batchLastOffset(buffer, at) + 1;
    if (this.writtenEnd === this.stagedEnd) this.producers.dropStaged();
  }

  mustFlush(): boolean {
    // Counted from what a flush has finished, not begun: another one may be under way that does not cover the last
    // writes.
    return this.writtenEnd - this.syncedEnd >= this.config.flushMessages;
  }

  writtenEndOffset(): number {
    return this.writtenEnd;
  }

  publish(writtenEndOffset: number): void {
    if (writtenEndOffset <= this.endOffset) return;
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
    if ((error as { code?: unknown }).code === 'ENOSPC') {
      this.fullUntilMs = runtime.clock.monotonicMs() + FULL_DISK_RETRY_MS;
    }
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

  private checkProducer(batch: Buffer, isTransactionV2: boolean): SequenceVerdict {
    if (!batchIsControl(batch, 0)) return this.producers.check(batch, 0, { mustStartAtZero: isTransactionV2 });
    const marker = readMarker(batch, 0);
    if (marker === undefined) return { kind: 'accept' };
    const epoch = batchProducerEpoch(batch, 0);
    return this.producers.checkMarker(batchProducerId(batch, 0), epoch, marker, { mustBumpEpoch: isTransactionV2 });
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

  private segmentSlot(offset: number): number {
    let low = 0;
    let high = this.segmentList.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.segmentList[middle] as Segment).baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  private async restartAt(offset: number): Promise<void> {
    this.cache.clear();
    this.generation += 1;
    for (const segment of this.segmentList.splice(0)) this.discard(segment);
    const { disk, clock } = this.context.runtime;
    removeSnapshots(disk, this.path, () => true);
    this.snapshotsToSync.clear();
    this.segmentList = [Segment.create({ disk, folder: this.path, baseOffset: offset, nowMs: clock.nowMs() })];
    this.toSync.add(this.activeSegment);
    this.namesChanged = true;
    this.startOffset = offset;
    this.resetEnds(offset);
    this.syncedEnd = offset;
    this.watermark = offset;
    this.leaderEpochs.clear();
    this.producers.restore([]);
    await this.leaderEpochs.persist();
  }

  private resetEnds(offset: number): void {
    this.endOffset = offset;
    this.writtenEnd = offset;
    this.stagedEnd = offset;
    this.syncedEnd = Math.min(this.syncedEnd, offset);
    this.watermark = Math.min(this.watermark, offset);
    this.cache.publishedEndOffset = offset;
  }

  private async reloadProducers(): Promise<void> {
    const { disk } = this.context.runtime;
    removeSnapshots(disk, this.path, (offset) => offset > this.endOffset);
    const { log } = this.context.runtime;
    const from = restoreProducers({ disk, folder: this.path, producers: this.producers, log }, this.endOffset);
    for (const segment of this.segmentsFrom(from)) {
      await scanBatches(segment.file, { from: 0, to: segment.sizeBytes, verify: false }, (buffer, at) => {
        if (batchBaseOffset(buffer, at) >= from) this.producers.apply(buffer, at);
        return true;
      });
    }
    this.producers.onHighWatermark(this.watermark);
  }

  private discard(segment: Segment): void {
    this.toSync.delete(segment);
    segment.removeFiles();
    segment.retire();
    this.namesChanged = true;
  }

  private writeSnapshot(): void {
    const { disk } = this.context.runtime;
    const path = `${this.path}/${segmentFileName(this.writtenEnd, SNAPSHOT_SUFFIX)}`;
    const bytes = encodeProducerSnapshot([...this.producers.all()]);
    const file = disk.open(path, 'create');
    try {
      for (let at = 0; at < bytes.length; ) at += file.writeSync(bytes, at, bytes.length - at, at);
      file.truncate(bytes.length);
    } finally {
      file.close();
    }
    this.snapshotsToSync.add(path);
  }

  private chooseJitter(): number {
    const jitterMs = Math.min(this.config.segmentJitterMs, this.config.segmentMs);
    return jitterMs === 0 ? 0 : this.context.runtime.random.uint32() % jitterMs;
  }

  private letGo(): void {
    this.cache.clear();
    for (const segment of this.segmentList) segment.retire();
  }
}

function followerProblem(records: Buffer, expectedOffset: number): string | undefined {
  let expected = expectedOffset;
  for (let at = 0; at + BATCH_HEADER_BYTES <= records.length; ) {
    const sizeBytes = batchSizeBytes(records, at);
    if (sizeBytes < BATCH_HEADER_BYTES || batchMagic(records, at) !== 2) return 'not a record batch';
    if (at + sizeBytes > records.length) return undefined;
    if (computeBatchCrc(records, at) !== batchCrc(records, at)) return 'a batch does not match its checksum';
    const baseOffset = batchBaseOffset(records, at);
    if (baseOffset < expected) return `a batch at offset ${baseOffset} came where ${expected} was expected`;
    if (batchLastOffsetDelta(records, at) < 0) return 'a batch ends before it begins';
    expected = batchLastOffset(records, at) + 1;
    at += sizeBytes;
  }
  return undefined;
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
