/**
 * Reads from closed ground: batches that are in the file and perhaps no longer in memory. A reader that goes on where
 * it left off finds its bytes read ahead; any other waits for the thread pool.
 */
import { BATCH_HEADER_BYTES, batchBaseOffset, batchLastOffset, batchSizeBytes } from '../protocol/mod.ts';
import { type Expectation, type ReadAhead, WINDOW_BYTES_MAX, type Window } from './read-ahead.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { EMPTY_READ, type ReadOptions, type ReadResult } from './read-result.ts';
import type { Segment } from './segment.ts';

/** The index finds the batch to within an interval; one read normally covers that and what was asked for. */
const LEAD_BYTES = 16 * 1024;
const READ_BYTES_MAX = 8 * 1024 * 1024;
/** Where a batch says how long it is. */
const SIZE_END_BYTES = 12;

export interface SegmentReadOptions extends ReadOptions {
  /** From here on memory has the batches: nothing is read ahead. */
  readonly cachedFromOffset: number;
}

interface Reading {
  readonly segment: Segment;
  readonly buffers: ReadBuffers;
  readonly ahead: ReadAhead;
  readonly options: SegmentReadOptions;
  readonly maxBytes: number;
}

/** Undefined when the segment holds nothing at or past the offset: the next segment may. */
export function readSegment(
  segment: Segment,
  memory: { readonly readBuffers: ReadBuffers; readonly readAhead: ReadAhead },
  options: SegmentReadOptions,
): ReadResult | undefined | Promise<ReadResult | undefined> {
  const maxBytes = Math.max(0, Math.min(options.maxBytes, READ_BYTES_MAX));
  if (maxBytes === 0 && !options.minOneBatch) return EMPTY_READ;
  const reading = { segment, buffers: memory.readBuffers, ahead: memory.readAhead, options, maxBytes };
  const expectation = memory.readAhead.find(segment, options.offset);
  const window = expectation?.window;
  if (expectation === undefined || window === undefined) return readFile(reading, expectation);
  if (window.filledBytes >= 0) return fromWindow(reading, expectation, window);
  return window.ready.then(() => fromWindow(reading, expectation, window));
}

function fromWindow(
  reading: Reading,
  expectation: Expectation,
  window: Window,
): ReadResult | undefined | Promise<ReadResult | undefined> {
  const { segment, ahead, buffers } = reading;
  // While the window was being read another reader may have taken it, or a truncation made it void.
  if (ahead.find(segment, expectation.offset) !== expectation) return readFile(reading, undefined);
  const cut = cutBatches(window.buffer, window.filledBytes, reading);
  if (cut.kind === 'nothing') return EMPTY_READ;
  ahead.claim(expectation);
  if (cut.kind === 'found') return handOut(reading, window.buffer, window.filledBytes, expectation.position, cut);
  buffers.give(window.buffer);
  return readFile(reading, expectation);
}

async function readFile(reading: Reading, expectation: Expectation | undefined): Promise<ReadResult | undefined> {
  const { segment, buffers, ahead, options, maxBytes } = reading;
  const endBytes = segment.sizeBytes;
  let position = expectation?.position ?? segment.offsetIndex.lookup(options.offset);
  const leadBytes = expectation === undefined ? LEAD_BYTES : 0;
  if (expectation !== undefined) ahead.claim(expectation);
  let wantedBytes = Math.max(maxBytes + leadBytes, BATCH_HEADER_BYTES);
  const file = segment.retain();
  try {
    for (;;) {
      const readBytes = Math.min(wantedBytes, endBytes - position);
      if (readBytes < BATCH_HEADER_BYTES) return undefined;
      const buffer = buffers.take(readBytes);
      const filledBytes = await file.read(buffer, 0, readBytes, position).catch((error: unknown) => {
        buffers.give(buffer);
        throw error;
      });
      const cut = cutBatches(buffer, filledBytes, reading);
      if (cut.kind === 'found') return handOut(reading, buffer, filledBytes, position, cut);
      buffers.give(buffer);
      // What the file no longer has was cut off while this read was on its way.
      if (cut.kind === 'nothing' || filledBytes < readBytes) return EMPTY_READ;
      position += cut.at;
      if (position + BATCH_HEADER_BYTES > endBytes) return undefined;
      if (position + cut.neededBytes > endBytes) return EMPTY_READ;
      wantedBytes = Math.max(cut.neededBytes, Math.min(maxBytes, WINDOW_BYTES_MAX));
    }
  } finally {
    segment.release();
  }
}

type Cut =
  /** Whole batches from `start` to `end`, the last of which ends before `endOffset`. */
  | { readonly kind: 'found'; readonly start: number; readonly end: number; readonly endOffset: number }
  /** The batch that comes first must be read from `at` on, and is at least that long. */
  | { readonly kind: 'more'; readonly at: number; readonly neededBytes: number }
  | { readonly kind: 'nothing' };

function cutBatches(buffer: Buffer, filledBytes: number, { options, maxBytes }: Reading): Cut {
  const { offset, upperBoundOffset, minOneBatch } = options;
  let at = 0;
  while (at + BATCH_HEADER_BYTES <= filledBytes && batchLastOffset(buffer, at) < offset) {
    at += batchSizeBytes(buffer, at);
  }
  if (at + BATCH_HEADER_BYTES > filledBytes) return { kind: 'more', at, neededBytes: BATCH_HEADER_BYTES };
  if (batchBaseOffset(buffer, at) >= upperBoundOffset) return { kind: 'nothing' };
  const firstBytes = batchSizeBytes(buffer, at);
  if (firstBytes > maxBytes && !minOneBatch) return { kind: 'nothing' };
  if (at + firstBytes > filledBytes) return { kind: 'more', at, neededBytes: firstBytes };
  const start = at;
  let last = at;
  at += firstBytes;
  while (at + BATCH_HEADER_BYTES <= filledBytes) {
    const next = at + batchSizeBytes(buffer, at);
    if (next > filledBytes || next - start > maxBytes || batchBaseOffset(buffer, at) >= upperBoundOffset) break;
    last = at;
    at = next;
  }
  return { kind: 'found', start, end: at, endOffset: batchLastOffset(buffer, last) + 1 };
}

function handOut(
  reading: Reading,
  buffer: Buffer,
  filledBytes: number,
  position: number,
  { start, end, endOffset }: Cut & { kind: 'found' },
): ReadResult {
  const { segment, ahead, buffers, options, maxBytes } = reading;
  const leftBytes = segment.sizeBytes - (position + end);
  if (leftBytes >= BATCH_HEADER_BYTES && endOffset < options.cachedFromOffset) {
    const nextBytes = end + SIZE_END_BYTES <= filledBytes ? batchSizeBytes(buffer, end) : 0;
    const sizeBytes = Math.min(leftBytes, windowBytes(maxBytes, nextBytes));
    ahead.expect(segment, endOffset, position + end, sizeBytes);
  }
  let isReleased = false;
  return {
    chunks: [buffer.subarray(start, end)],
    sizeBytes: end - start,
    isOutOfRange: false,
    release() {
      if (!isReleased) buffers.give(buffer);
      isReleased = true;
    },
  };
}

/**
 * Batches are mostly of one size: whole ones are read ahead and no half one after them, which would be read twice. Zero
 * when not even the next one fits.
 */
function windowBytes(maxBytes: number, nextBytes: number): number {
  const limit = Math.min(maxBytes, WINDOW_BYTES_MAX);
  if (nextBytes === 0) return limit;
  const bytes = Math.max(1, Math.floor(limit / nextBytes)) * nextBytes;
  return bytes <= WINDOW_BYTES_MAX ? bytes : 0;
}
