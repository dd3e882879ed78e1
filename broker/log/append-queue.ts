/**
 * From staged to written to published. Batches that arrive in a turn gather here; at its end they go to the file in as
 * few calls as the chunks allow, and only when the call has returned (and the flush, where the topic asks for one) do
 * log end offset, producer state and answers move.
 *
 *   staged ──write──▶ written ──(datasync)──▶ published: visible, answered
 *      └── write failed: file cut back to the last published run, everything staged is dropped and refused
 */
import { batchLastOffset, batchMaxTimestamp, ErrorCode } from '../protocol/mod.ts';
import type { Clock, DiskFile } from '../std/mod.ts';
import type { Chunk } from './arena.ts';
import type { Segment } from './segment.ts';

/** Bytes per write call: bigger ones take bigger blocks of fresh memory in the kernel, at several times the cost. */
const SYNC_WRITE_BYTES = 64 * 1024;
const ASYNC_WRITE_BYTES = 256 * 1024;
/** A write that took longer met a disk that throttles; the loop must not wait for it again soon. */
const SLOW_WRITE_MS = 5;
const AVOID_SYNC_WRITES_MS = 5_000;

export type Completion = (errorCode: number) => void;

interface StagedBatch {
  /** Undefined for a duplicate of a staged batch: it has nothing to write, but must not be answered before it. */
  readonly chunk: Chunk | undefined;
  readonly at: number;
  readonly sizeBytes: number;
  readonly complete: Completion | undefined;
}

interface Run {
  readonly segment: Segment;
  readonly chunk: Chunk | undefined;
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** What the queue asks of the log that it belongs to. */
export interface AppendTarget {
  /** The segment that takes the batch after `runBytes` more, rolled when it must; undefined when that ends the run. */
  segmentFor(
    batch: { readonly sizeBytes: number; readonly maxTimestamp: number; readonly lastOffset: number },
    runBytes: number,
  ): Segment | undefined;
  batchWritten(segment: Segment, chunk: Chunk, at: number, sizeBytes: number): void;
  /** True when what is written must be flushed before it is published. */
  mustFlush(): boolean;
  flush(): Promise<void>;
  /** Everything written so far may be seen. */
  publish(writtenEndOffset: number): void;
  writtenEndOffset(): number;
  /** The bytes after `sizeBytes` of the segment are void, and so is all that is staged. */
  writeFailed(segment: Segment | undefined, sizeBytes: number, error: unknown): void;
  flushFailed(error: unknown): void;
}

export class AppendQueue {
  private readonly target: AppendTarget;
  private readonly clock: Clock;
  private staged: StagedBatch[] = [];
  private written: Completion[] = [];
  private avoidSyncUntilMs = Number.NEGATIVE_INFINITY;
  private isWriting = false;
  private isOver = false;
  private isFlushing = false;
  private hasUnpublished = false;
  private idleWaiters: (() => void)[] = [];

  constructor(target: AppendTarget, clock: Clock) {
    this.target = target;
    this.clock = clock;
  }

  get isIdle(): boolean {
    return this.staged.length === 0 && !this.isWriting && !this.isFlushing && !this.hasUnpublished;
  }

  push(chunk: Chunk | undefined, at: number, sizeBytes: number, complete: Completion | undefined): void {
    this.staged.push({ chunk, at, sizeBytes, complete });
  }

  /** Writes all that is staged, or starts to. */
  run(): void {
    while (!this.isWriting && this.staged.length > 0) {
      let run: Run;
      try {
        run = this.nextRun();
      } catch (error) {
        this.fail(undefined, 0, error);
        break;
      }
      const sizeBytes = run.segment.sizeBytes;
      const startedMs = this.clock.monotonicMs();
      if (startedMs < this.avoidSyncUntilMs) {
        this.isWriting = true;
        void this.writeLater(run, sizeBytes);
        return;
      }
      try {
        if (run.chunk !== undefined) writeNow(run.segment.file, run.chunk.buffer, run.from, run.to, sizeBytes);
      } catch (error) {
        this.fail(run.segment, sizeBytes, error);
        break;
      }
      this.watchSpeed(startedMs);
      this.accept(run);
    }
    this.publish();
  }

  /** Resolves when everything staged now is published or refused. */
  async drain(): Promise<void> {
    this.run();
    if (!this.isIdle) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  /** The log is closed or lost: refuses everything that is not published, and writes nothing more. */
  abandon(errorCode: number): void {
    this.isOver = true;
    const completions = [...this.written, ...this.staged.map((batch) => batch.complete)];
    this.written = [];
    this.staged = [];
    this.hasUnpublished = false;
    for (const complete of completions) complete?.(errorCode);
    this.wakeIdle();
  }

  private nextRun(): Run {
    const first = this.staged[0] as StagedBatch;
    let count = 0;
    let runBytes = 0;
    let segment: Segment | undefined;
    let chunk: Chunk | undefined;
    for (const batch of this.staged) {
      if (batch.chunk !== undefined) {
        if (chunk !== undefined && batch.chunk !== chunk) break;
        const taker = this.target.segmentFor(
          {
            sizeBytes: batch.sizeBytes,
            maxTimestamp: batchMaxTimestamp(batch.chunk.buffer, batch.at),
            lastOffset: batchLastOffset(batch.chunk.buffer, batch.at),
          },
          runBytes,
        );
        if (taker === undefined) break;
        segment = taker;
        chunk = batch.chunk;
        runBytes += batch.sizeBytes;
      }
      count += 1;
    }
    const start = this.staged.find((batch) => batch.chunk !== undefined) ?? first;
    segment ??= this.target.segmentFor({ sizeBytes: 0, maxTimestamp: -1, lastOffset: 0 }, 0) as Segment;
    return { segment, chunk, from: start.at, to: start.at + runBytes, count };
  }

  private async writeLater(run: Run, sizeBytes: number): Promise<void> {
    const startedMs = this.clock.monotonicMs();
    // The log may be let go of meanwhile: its memory must not go to others, nor its file close, before this is over.
    run.chunk?.retain();
    const file = run.segment.retain();
    try {
      if (run.chunk !== undefined) {
        let position = sizeBytes;
        for (let at = run.from; at < run.to && !this.isOver; ) {
          const length = Math.min(ASYNC_WRITE_BYTES, run.to - at);
          const wrote = await file.write(run.chunk.buffer, at, length, position);
          at += wrote;
          position += wrote;
        }
      }
    } catch (error) {
      this.isWriting = false;
      if (this.isOver) this.wakeIdle();
      else {
        this.fail(run.segment, sizeBytes, error);
        this.publish();
      }
      return;
    } finally {
      run.chunk?.release();
      run.segment.release();
    }
    this.isWriting = false;
    if (this.isOver) return this.wakeIdle();
    this.watchSpeed(startedMs);
    this.accept(run);
    this.run();
  }

  private watchSpeed(startedMs: number): void {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - startedMs > SLOW_WRITE_MS) this.avoidSyncUntilMs = nowMs + AVOID_SYNC_WRITES_MS;
  }

  private accept(run: Run): void {
    const accepted = this.staged.slice(0, run.count);
    this.staged = this.staged.length === run.count ? [] : this.staged.slice(run.count);
    for (const batch of accepted) {
      if (batch.chunk !== undefined) this.target.batchWritten(run.segment, batch.chunk, batch.at, batch.sizeBytes);
      if (batch.complete !== undefined) this.written.push(batch.complete);
    }
    this.hasUnpublished = true;
  }

  private publish(): void {
    if (!this.hasUnpublished || this.isFlushing) {
      this.wakeIdle();
      return;
    }
    if (!this.target.mustFlush()) {
      this.publishUpTo(this.written.length, this.target.writtenEndOffset());
      return;
    }
    // Whatever is written while the flush runs waits for the next one: that is the group commit.
    const count = this.written.length;
    const endOffset = this.target.writtenEndOffset();
    this.isFlushing = true;
    this.target.flush().then(
      () => {
        this.isFlushing = false;
        if (this.hasUnpublished) this.publishUpTo(count, endOffset);
        this.publish();
      },
      (error: unknown) => {
        this.isFlushing = false;
        this.target.flushFailed(error);
        this.abandon(ErrorCode.KAFKA_STORAGE_ERROR);
      },
    );
  }

  private publishUpTo(count: number, endOffset: number): void {
    const completions = count === this.written.length ? this.written : this.written.slice(0, count);
    this.written = count === this.written.length ? [] : this.written.slice(count);
    this.hasUnpublished = endOffset < this.target.writtenEndOffset() || this.written.length > 0;
    this.target.publish(endOffset);
    for (const complete of completions) complete(ErrorCode.NONE);
    this.wakeIdle();
  }

  private fail(segment: Segment | undefined, sizeBytes: number, error: unknown): void {
    const refused = this.staged;
    this.staged = [];
    this.target.writeFailed(segment, sizeBytes, error);
    for (const batch of refused) batch.complete?.(ErrorCode.KAFKA_STORAGE_ERROR);
  }

  private wakeIdle(): void {
    if (!this.isIdle || this.idleWaiters.length === 0) return;
    const waiters = this.idleWaiters;
    this.idleWaiters = [];
    for (const wake of waiters) wake();
  }
}

function writeNow(file: DiskFile, buffer: Buffer, from: number, to: number, startPosition: number): void {
  let position = startPosition;
  for (let at = from; at < to; ) {
    const wrote = file.writeSync(buffer, at, Math.min(SYNC_WRITE_BYTES, to - at), position);
    at += wrote;
    position += wrote;
  }
}
