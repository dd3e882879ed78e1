/**
 * One segment: a `.log` file with its offset, time and transaction indexes. Entries go into the indexes by Kafka's own
 * rule, so that both brokers write the same files from the same appends. The file is opened when first needed, and
 * stays open, even when its names are gone, until the last reader is done.
 */
import { BATCH_HEADER_BYTES, batchLastOffset, batchMaxTimestamp } from '../protocol/mod.ts';
import { assert, type Disk, type DiskFile } from '../std/mod.ts';
import {
  INDEX_SUFFIX,
  LOG_SUFFIX,
  SEGMENT_SUFFIXES,
  segmentFileName,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts';
import type { LogConfig } from './log-config.ts';
import { OffsetIndex } from './offset-index.ts';
import { TimeIndex } from './time-index.ts';
import { TransactionIndex } from './transaction-index.ts';

const RELATIVE_OFFSET_MAX = 0x7fff_ffff;

interface NewSegment {
  readonly disk: Disk;
  readonly folder: string;
  readonly baseOffset: number;
  readonly nowMs: number;
  readonly suffix?: string;
}

export class Segment {
  readonly baseOffset: number;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readonly transactionIndex: TransactionIndex;
  readonly createdMs: number;
  sizeBytes: number;
  /** Bytes that are known to be on the disk and not only in the page cache. */
  syncedBytes = 0;
  /** Chosen once per segment, so that partitions made together do not all roll together. */
  rollJitterMs = 0;
  /** No longer part of its log. */
  isRetired = false;
  /** Grows with every cut: what was read before it may be void. */
  truncations = 0;
  private readonly disk: Disk;
  private readonly folder: string;
  private suffix: string;
  private handle: DiskFile | undefined;
  private readers = 0;
  private bytesSinceIndexEntry = 0;
  private largest: { timestamp: number; offset: number } | undefined;
  private firstTimestamp: number | undefined;

  constructor(options: {
    readonly disk: Disk;
    readonly folder: string;
    readonly baseOffset: number;
    readonly sizeBytes: number;
    readonly createdMs: number;
    readonly suffix?: string;
  }) {
    this.disk = options.disk;
    this.folder = options.folder;
    this.baseOffset = options.baseOffset;
    this.sizeBytes = options.sizeBytes;
    this.createdMs = options.createdMs;
    this.suffix = options.suffix ?? '';
    const { disk, baseOffset } = options;
    this.offsetIndex = new OffsetIndex(disk, this.pathOf(INDEX_SUFFIX), baseOffset);
    this.timeIndex = new TimeIndex(disk, this.pathOf(TIME_INDEX_SUFFIX), baseOffset);
    this.transactionIndex = new TransactionIndex(disk, this.pathOf(TRANSACTION_INDEX_SUFFIX));
  }

  static create(options: NewSegment): Segment {
    const segment = Segment.plan(options);
    segment.makeFiles();
    return segment;
  }

  /** A segment whose files are still to be made, before its first append. */
  static plan(options: NewSegment): Segment {
    const segment = new Segment({ ...options, sizeBytes: 0, createdMs: options.nowMs });
    segment.startIndexesEmpty();
    return segment;
  }

  makeFiles(): void {
    this.handle = this.disk.open(this.pathOf(LOG_SUFFIX), 'create');
    // A file of this name can only be the remainder of a write that failed at this very point.
    if (this.handle.sizeBytes() > 0) this.handle.truncate(0);
    this.offsetIndex.write();
    this.timeIndex.write();
  }

  get path(): string {
    return this.pathOf(LOG_SUFFIX);
  }

  get file(): DiskFile {
    this.handle ??= this.disk.open(this.pathOf(LOG_SUFFIX), 'write');
    return this.handle;
  }

  /** Keeps the file open until `release`. */
  retain(): DiskFile {
    const { file } = this;
    this.readers += 1;
    return file;
  }

  release(): void {
    this.readers -= 1;
    if (this.readers === 0 && this.isRetired) this.closeFile();
  }

  startIndexesEmpty(): void {
    this.offsetIndex.startEmpty();
    this.timeIndex.startEmpty();
    this.transactionIndex.startEmpty();
    this.bytesSinceIndexEntry = 0;
    this.largest = { timestamp: -1, offset: this.baseOffset };
    this.firstTimestamp = undefined;
  }

  get largestTimestamp(): number {
    return this.largestTimestampOffset().timestamp;
  }

  largestTimestampOffset(): { readonly timestamp: number; readonly offset: number } {
    this.largest ??= { ...this.timeIndex.last() };
    return this.largest;
  }

  /** Accounts for a batch that now stands at the end of the file. */
  appended(buffer: Buffer, at: number, sizeBytes: number, indexIntervalBytes: number): void {
    const lastOffset = batchLastOffset(buffer, at);
    const timestamp = batchMaxTimestamp(buffer, at);
    assert(lastOffset - this.baseOffset <= RELATIVE_OFFSET_MAX, 'an offset does not fit its segment');
    const largest = this.largestTimestampOffset();
    if (timestamp > largest.timestamp) this.largest = { timestamp, offset: lastOffset };
    if (this.sizeBytes === 0) this.firstTimestamp = timestamp;
    if (this.bytesSinceIndexEntry > indexIntervalBytes) {
      this.offsetIndex.append(lastOffset, this.sizeBytes);
      const now = this.largestTimestampOffset();
      this.timeIndex.append(now.timestamp, now.offset);
      this.bytesSinceIndexEntry = 0;
    }
    this.sizeBytes += sizeBytes;
    this.bytesSinceIndexEntry += sizeBytes;
  }

  shouldRoll(
    batch: { readonly sizeBytes: number; readonly maxTimestamp: number; readonly lastOffset: number },
    config: LogConfig,
    nowMs: number,
  ): boolean {
    if (this.sizeBytes > config.segmentBytes - batch.sizeBytes) return true;
    if (batch.lastOffset - this.baseOffset > RELATIVE_OFFSET_MAX) return true;
    if (this.sizeBytes === 0) return false;
    const segmentMs = config.cleanupCompact ? Math.min(config.segmentMs, config.maxCompactionLagMs) : config.segmentMs;
    if (this.ageMs(batch.maxTimestamp, nowMs) > segmentMs - this.rollJitterMs) return true;
    return this.offsetIndex.isFull(config.segmentIndexBytes) || this.timeIndex.isFull(config.segmentIndexBytes);
  }

  /** Age by record time (T75): from the first batch to the one that arrives; by the clock where there is no time. */
  ageMs(timestamp: number, nowMs: number): number {
    const first = this.firstBatchTimestamp();
    return first >= 0 ? timestamp - first : nowMs - this.createdMs;
  }

  firstBatchTimestamp(): number {
    if (this.firstTimestamp === undefined && this.sizeBytes >= BATCH_HEADER_BYTES) {
      const header = Buffer.alloc(BATCH_HEADER_BYTES);
      this.file.readSync(header, 0, BATCH_HEADER_BYTES, 0);
      this.firstTimestamp = batchMaxTimestamp(header, 0);
    }
    return this.firstTimestamp ?? -1;
  }

  /** The segment takes no more appends, or its log closes: its last time entry is written, its indexes are on file. */
  finish(): void {
    const largest = this.largestTimestampOffset();
    if (largest.timestamp >= 0) this.timeIndex.append(largest.timestamp, largest.offset);
    this.offsetIndex.write();
    this.timeIndex.write();
  }

  /** Everything of the segment, on the disk. */
  async sync(options: { readonly withIndexes: boolean }): Promise<void> {
    const sizeBytes = this.sizeBytes;
    if (this.syncedBytes < sizeBytes) {
      const file = this.retain();
      try {
        await file.datasync();
      } finally {
        this.release();
      }
      this.syncedBytes = Math.max(this.syncedBytes, Math.min(sizeBytes, this.sizeBytes));
    }
    if (options.withIndexes) {
      await this.offsetIndex.sync();
      await this.timeIndex.sync();
      await this.transactionIndex.sync();
    }
  }

  /** Cuts the file at a batch boundary; `endOffset` is the offset that comes next. */
  truncate(sizeBytes: number, endOffset: number): void {
    this.file.truncate(sizeBytes);
    this.truncations += 1;
    this.sizeBytes = sizeBytes;
    this.syncedBytes = Math.min(this.syncedBytes, sizeBytes);
    this.offsetIndex.truncateTo(endOffset);
    this.timeIndex.truncateTo(endOffset);
    this.transactionIndex.truncateTo(endOffset);
    this.bytesSinceIndexEntry = 0;
    if (sizeBytes === 0) this.firstTimestamp = undefined;
    this.largest = { ...this.timeIndex.last() };
  }

  /**
   * To be awaited before anything is written where the segment was cut. Pages reach the disk in any order: a power loss
   * could bring back a batch that was cut off, whole and sound, in front of what was written behind it since.
   */
  async syncCut(): Promise<void> {
    const file = this.retain();
    try {
      await file.datasync();
    } finally {
      this.release();
    }
    this.syncedBytes = this.sizeBytes;
  }

  /**
   * A truncation may have cut the batch with the largest timestamp: a scan of what the index does not cover mends it.
   */
  noteTimestamp(timestamp: number, offset: number): void {
    const largest = this.largestTimestampOffset();
    if (timestamp > largest.timestamp) this.largest = { timestamp, offset };
  }

  /** Renames all files from one state (live, `.deleted`, `.swap`) to another. */
  rename(suffix: string, order: 'logFirst' | 'logLast' = 'logFirst'): void {
    const kinds = order === 'logFirst' ? SEGMENT_SUFFIXES : SEGMENT_SUFFIXES.toReversed();
    for (const kind of kinds) {
      const from = this.pathOf(kind);
      if (this.disk.exists(from)) this.disk.rename(from, this.pathOf(kind, suffix));
    }
    this.suffix = suffix;
    this.updatePaths();
  }

  removeFiles(): void {
    for (const kind of SEGMENT_SUFFIXES) {
      const path = this.pathOf(kind);
      if (this.disk.exists(path)) this.disk.removeFile(path);
    }
  }

  /** The segment is no longer part of its log; the file closes when the last reader is done. */
  retire(): void {
    this.isRetired = true;
    if (this.readers === 0) this.closeFile();
  }

  /** Gives back memory and descriptor while nobody reads; the next reader opens them again. */
  rest(): void {
    this.unloadIndexes();
    if (this.readers === 0) this.closeFile();
  }

  unloadIndexes(): void {
    this.offsetIndex.unload();
    this.timeIndex.unload();
  }

  closeFile(): void {
    this.handle?.close();
    this.handle = undefined;
  }

  private updatePaths(): void {
    this.offsetIndex.path = this.pathOf(INDEX_SUFFIX);
    this.timeIndex.path = this.pathOf(TIME_INDEX_SUFFIX);
    this.transactionIndex.path = this.pathOf(TRANSACTION_INDEX_SUFFIX);
  }

  private pathOf(kind: string, suffix = this.suffix): string {
    return `${this.folder}/${segmentFileName(this.baseOffset, kind)}${suffix}`;
  }
}
