/**
 * The newest batches of one partition in memory: contiguous from its first chunk to the end of what is staged. Appends
 * go in at the end, reads at the tip come out without a copy, and the oldest chunks leave when the arena needs room.
 */
import { batchBaseOffset, batchLastOffset, batchSizeBytes } from '../protocol/mod.ts';
import { type Arena, CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, type Chunk, type ChunkOwner } from './arena.ts';
import type { ReadOptions, ReadResult } from './read-result.ts';

export class TailCache implements ChunkOwner {
  /** Batches at or past it are not in the file, or not acknowledged as such: their chunks may not be evicted. */
  publishedEndOffset: number;
  private readonly arena: Arena;
  private readonly chunks: Chunk[] = [];
  private nextChunkBytes = CHUNK_BYTES_MIN;

  constructor(arena: Arena, endOffset: number) {
    this.arena = arena;
    this.publishedEndOffset = endOffset;
  }

  /** Copies a batch in; the caller patches and sends on `chunk.buffer` at `at`. */
  append(batch: Buffer, baseOffset: number, endOffset: number): { readonly chunk: Chunk; readonly at: number } {
    let chunk = this.chunks.at(-1);
    if (chunk === undefined || chunk.freeBytes < batch.length) {
      if (chunk !== undefined) this.nextChunkBytes = Math.min(CHUNK_BYTES_MAX, this.nextChunkBytes * 4);
      this.arena.touch(this);
      chunk = this.arena.allocate(Math.max(this.nextChunkBytes, batch.length), baseOffset);
      this.chunks.push(chunk);
    }
    return { chunk, at: chunk.append(batch, baseOffset, endOffset) };
  }

  /** The first offset in memory; infinite when there is none. */
  get startOffset(): number {
    return this.chunks[0]?.baseOffset ?? Number.POSITIVE_INFINITY;
  }

  covers(offset: number): boolean {
    const first = this.chunks[0];
    return first !== undefined && offset >= first.baseOffset && offset < (this.chunks.at(-1) as Chunk).endOffset;
  }

  /** Whole batches from the one that holds `offset`, below `upperBoundOffset`; call only when `covers(offset)`. */
  read({ offset, upperBoundOffset, maxBytes, minOneBatch }: ReadOptions): ReadResult {
    this.arena.touch(this);
    const chunks: Buffer[] = [];
    const held: Chunk[] = [];
    let left = maxBytes;
    let sizeBytes = 0;
    let slot = this.chunks.length - 1;
    while (slot > 0 && (this.chunks[slot] as Chunk).baseOffset > offset) slot -= 1;
    for (; slot < this.chunks.length; slot++) {
      const chunk = this.chunks[slot] as Chunk;
      if (chunk.baseOffset >= upperBoundOffset) break;
      const start = chunk.baseOffset >= offset ? 0 : positionOf(chunk, offset);
      const end = endWithin(chunk, start, upperBoundOffset, left, minOneBatch && sizeBytes === 0);
      if (end > start) {
        chunk.retain();
        held.push(chunk);
        chunks.push(chunk.buffer.subarray(start, end));
        sizeBytes += end - start;
        left -= end - start;
      }
      if (end < chunk.filledBytes || left <= 0) break;
    }
    let isReleased = false;
    const release = (): void => {
      if (!isReleased) for (const chunk of held) chunk.release();
      isReleased = true;
    };
    return { chunks, sizeBytes, isOutOfRange: false, release };
  }

  evictOldest(): boolean {
    const oldest = this.chunks[0];
    if (oldest === undefined || oldest.endOffset > this.publishedEndOffset) return false;
    this.chunks.shift();
    oldest.release();
    if (this.chunks.length === 0) this.nextChunkBytes = CHUNK_BYTES_MIN;
    return true;
  }

  /** Forgets batches from `offset` on, none of which anybody has been shown. */
  dropFrom(offset: number): void {
    for (;;) {
      const last = this.chunks.at(-1);
      if (last === undefined || last.endOffset <= offset) return;
      if (last.baseOffset < offset) {
        last.truncate(positionOf(last, offset), offset);
        return;
      }
      this.chunks.pop();
      last.release();
    }
  }

  /** Forgets everything. Responses that hold slices keep their chunks; these are never written to again. */
  clear(): void {
    for (const chunk of this.chunks) chunk.release();
    this.chunks.length = 0;
    this.nextChunkBytes = CHUNK_BYTES_MIN;
    this.arena.forget(this);
  }
}

/** Where the batch stands that holds `offset`. */
function positionOf(chunk: Chunk, offset: number): number {
  let at = chunk.markBefore(offset);
  while (at < chunk.filledBytes && batchLastOffset(chunk.buffer, at) < offset) at += batchSizeBytes(chunk.buffer, at);
  return at;
}

function endWithin(chunk: Chunk, start: number, upperOffset: number, maxBytes: number, takeOne: boolean): number {
  if (chunk.endOffset <= upperOffset && chunk.filledBytes - start <= maxBytes) return chunk.filledBytes;
  let at = Math.max(start, chunk.markAtOrBelowPosition(start + Math.max(0, maxBytes)));
  if (chunk.endOffset > upperOffset) at = Math.max(start, Math.min(at, chunk.markBefore(upperOffset)));
  while (at < chunk.filledBytes) {
    const next = at + batchSizeBytes(chunk.buffer, at);
    if (batchBaseOffset(chunk.buffer, at) >= upperOffset) break;
    if (next - start > maxBytes && !(takeOne && at === start)) break;
    at = next;
  }
  return at;
}
