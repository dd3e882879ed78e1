/**
 * Reads from closed ground: batches that are in the file and perhaps no longer in memory, through the thread pool.
 */
import { BATCH_HEADER_BYTES, batchBaseOffset, batchLastOffset, batchSizeBytes } from '../protocol/mod.ts';
import type { ReadBuffers } from './read-buffers.ts';
import { EMPTY_READ, type ReadOptions, type ReadResult } from './read-result.ts';
import type { Segment } from './segment.ts';

/** The index finds the batch to within an interval; one read normally covers that and what was asked for. */
const LEAD_BYTES = 16 * 1024;
const READ_BYTES_MAX = 8 * 1024 * 1024;

/** Undefined when the segment holds nothing at or past the offset: the next segment may. */
export async function readSegment(
  segment: Segment,
  buffers: ReadBuffers,
  options: ReadOptions,
): Promise<ReadResult | undefined> {
  const { offset, upperBoundOffset, minOneBatch } = options;
  const maxBytes = Math.max(0, Math.min(options.maxBytes, READ_BYTES_MAX));
  const endBytes = segment.sizeBytes;
  let position = segment.offsetIndex.lookup(offset);
  const file = segment.retain();
  let buffer = buffers.take(Math.min(endBytes - position, maxBytes + LEAD_BYTES));
  try {
    for (;;) {
      const got = await file.read(buffer, 0, Math.min(buffer.length, endBytes - position), position);
      let at = 0;
      while (at + BATCH_HEADER_BYTES <= got && batchLastOffset(buffer, at) < offset) at += batchSizeBytes(buffer, at);
      if (position + at + BATCH_HEADER_BYTES > endBytes) {
        buffers.give(buffer);
        return undefined;
      }
      if (at + BATCH_HEADER_BYTES > got) {
        if (got === 0) return giveBack(buffers, buffer);
        position += at;
        continue;
      }
      if (batchBaseOffset(buffer, at) >= upperBoundOffset) return giveBack(buffers, buffer);
      const firstBytes = batchSizeBytes(buffer, at);
      if (firstBytes > maxBytes && !minOneBatch) return giveBack(buffers, buffer);
      if (at + firstBytes > got) {
        // The first batch did not fit: read again from its start, with room for it.
        position += at;
        if (position + firstBytes > endBytes) return giveBack(buffers, buffer);
        if (buffer.length < firstBytes) {
          buffers.give(buffer);
          buffer = buffers.take(Math.max(firstBytes, Math.min(endBytes - position, maxBytes)));
        }
        continue;
      }
      const start = at;
      at += firstBytes;
      while (at + BATCH_HEADER_BYTES <= got) {
        const next = at + batchSizeBytes(buffer, at);
        if (next > got || next - start > maxBytes || batchBaseOffset(buffer, at) >= upperBoundOffset) break;
        at = next;
      }
      const taken = buffer;
      let isReleased = false;
      return {
        chunks: [taken.subarray(start, at)],
        sizeBytes: at - start,
        isOutOfRange: false,
        release() {
          if (!isReleased) buffers.give(taken);
          isReleased = true;
        },
      };
    }
  } finally {
    segment.release();
  }
}

function giveBack(buffers: ReadBuffers, buffer: Buffer): ReadResult {
  buffers.give(buffer);
  return EMPTY_READ;
}
