/**
 * What sequential readers will ask for next, read before they ask.
 *
 * Whoever reads from disk is likely to come back for the bytes that follow. They are read on the thread pool while the
 * response is on its way, so that the next fetch finds them and never waits for the disk. Where the next batch stands
 * is remembered even when there is no room to read it: the index is right only to within a batch, which may be large.
 *
 * All readers share a bounded number of bytes. At the bound a window nobody has come for in a while makes room; while
 * all are young there is no room, for windows that push each other out would all be read twice.
 */
import { assert, type Clock, type DiskFile } from '../std/mod.ts';
import type { ReadBuffers } from './read-buffers.ts';
import type { Segment } from './segment.ts';

/** Bytes of one window: what most clients ask for of a partition, and small enough to stay in a processor's cache. */
export const WINDOW_BYTES_MAX = 1024 * 1024;
/** Bytes of all windows that wait for their readers. */
export const READ_AHEAD_BYTES_MAX = 16 * WINDOW_BYTES_MAX;
/** Readers whose next position is remembered. */
export const EXPECTATIONS_MAX = 512;
const ABANDONED_AFTER_MS = 1_000;

/** Bytes that were read, or are being read, from one position of a segment on. */
export interface Window {
  readonly buffer: Buffer;
  /** -1 while the read is under way, 0 when it failed. */
  filledBytes: number;
  readonly ready: Promise<void>;
}

/** A reader is expected at an offset of a segment. */
export interface Expectation {
  readonly segment: Segment;
  readonly truncations: number;
  readonly offset: number;
  readonly position: number;
  readonly sinceMs: number;
  window: Window | undefined;
}

export class ReadAhead {
  private readonly buffers: ReadBuffers;
  private readonly clock: Clock;
  /** Oldest first. */
  private readonly expectations: Expectation[] = [];
  private windowBytes = 0;

  constructor(buffers: ReadBuffers, clock: Clock) {
    this.buffers = buffers;
    this.clock = clock;
  }

  get usedBytes(): number {
    return this.windowBytes;
  }

  get size(): number {
    return this.expectations.length;
  }

  /** What is known of the batch at `offset`; nothing when the segment was cut back since. */
  find(segment: Segment, offset: number): Expectation | undefined {
    const found = this.expectations.find((each) => each.offset === offset && each.segment === segment);
    if (found === undefined || found.truncations === segment.truncations) return found;
    this.forget(found);
    return undefined;
  }

  /** The reader came: its window is its own from now on. False when somebody else was faster. */
  claim(expectation: Expectation): boolean {
    const slot = this.expectations.indexOf(expectation);
    if (slot < 0) return false;
    this.expectations.splice(slot, 1);
    if (expectation.window !== undefined) this.windowBytes -= expectation.window.buffer.length;
    return true;
  }

  /** A reader that has read up to `offset` will come back for it; begins to read `sizeBytes` for it. */
  expect(segment: Segment, offset: number, position: number, sizeBytes: number): void {
    if (this.find(segment, offset) !== undefined) return;
    const oldest = this.expectations[0];
    if (oldest !== undefined && this.expectations.length >= EXPECTATIONS_MAX) {
      if (!this.isAbandoned(oldest)) return;
      this.forget(oldest);
    }
    const { truncations } = segment;
    const sinceMs = this.clock.monotonicMs();
    const expectation: Expectation = { segment, truncations, offset, position, sinceMs, window: undefined };
    this.expectations.push(expectation);
    if (sizeBytes > 0 && sizeBytes <= WINDOW_BYTES_MAX) this.open(expectation, sizeBytes);
  }

  private open(expectation: Expectation, sizeBytes: number): void {
    const { segment, position } = expectation;
    if (segment.isRetired || !this.makeRoom(this.buffers.classOf(sizeBytes))) return;
    // Whoever needs bytes that could not be read reads them again, and hears of the failure then.
    let file: DiskFile;
    try {
      file = segment.retain();
    } catch {
      return;
    }
    const buffer = this.buffers.take(sizeBytes);
    this.windowBytes += buffer.length;
    const read = file.read(buffer, 0, sizeBytes, position).catch(() => 0);
    const ready = read.then((filledBytes) => {
      window.filledBytes = filledBytes;
      segment.release();
    });
    const window: Window = { buffer, filledBytes: -1, ready };
    expectation.window = window;
  }

  private makeRoom(sizeBytes: number): boolean {
    for (const each of [...this.expectations]) {
      if (this.windowBytes + sizeBytes <= READ_AHEAD_BYTES_MAX) return true;
      if (!this.isAbandoned(each)) return false;
      if (each.window !== undefined && each.window.filledBytes >= 0) this.forget(each);
    }
    return this.windowBytes + sizeBytes <= READ_AHEAD_BYTES_MAX;
  }

  private isAbandoned({ sinceMs }: Expectation): boolean {
    return this.clock.monotonicMs() - sinceMs >= ABANDONED_AFTER_MS;
  }

  private forget(expectation: Expectation): void {
    const isOurs = this.claim(expectation);
    assert(isOurs, 'an expectation is forgotten twice');
    const { window } = expectation;
    if (window === undefined) return;
    if (window.filledBytes >= 0) this.buffers.give(window.buffer);
    else void window.ready.then(() => this.buffers.give(window.buffer));
  }
}
