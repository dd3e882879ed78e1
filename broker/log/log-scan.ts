/**
 * Walks the batches of a `.log` file from one position to another, a piece of the file at a time through the thread
 * pool, so that the loop breathes between pieces. It stops where the bytes stop being whole, sound batches.
 */
import {
  BATCH_HEADER_BYTES,
  batchCrc,
  batchLastOffsetDelta,
  batchMagic,
  batchSizeBytes,
  computeBatchCrc,
} from '../protocol/mod.ts';
import type { DiskFile } from '../std/mod.ts';

const PIECE_BYTES = 1024 * 1024;

export interface ScanOptions {
  readonly from: number;
  readonly to: number;
  /** Check every checksum: after a crash. Otherwise headers only. */
  readonly verify: boolean;
  /** Size of the first read, when little is expected to be needed. */
  readonly pieceBytes?: number;
}

/** A segment, whose file stays open while it is walked. */
export interface ScanSource {
  retain(): DiskFile;
  release(): void;
}

/**
 * `visit` gets a whole batch at `at` of a buffer that is valid during the call, and its position in the file; false
 * ends the walk. Returns the position after the last batch visited (before it, when `visit` returned false).
 */
export async function scanBatches(
  source: ScanSource,
  options: ScanOptions,
  visit: (buffer: Buffer, at: number, position: number) => boolean,
): Promise<number> {
  const file = source.retain();
  try {
    return await scanFile(file, options, visit);
  } finally {
    source.release();
  }
}

async function scanFile(
  file: DiskFile,
  options: ScanOptions,
  visit: (buffer: Buffer, at: number, position: number) => boolean,
): Promise<number> {
  let position = options.from;
  let buffer = Buffer.allocUnsafe(Math.min(options.pieceBytes ?? PIECE_BYTES, Math.max(options.to - position, 0)));
  while (position + BATCH_HEADER_BYTES <= options.to) {
    const wanted = Math.min(buffer.length, options.to - position);
    const got = await file.read(buffer, 0, wanted, position);
    let at = 0;
    let needed = 0;
    while (at + BATCH_HEADER_BYTES <= got) {
      const sizeBytes = batchSizeBytes(buffer, at);
      if (sizeBytes < BATCH_HEADER_BYTES || position + at + sizeBytes > options.to) return position + at;
      if (batchMagic(buffer, at) !== 2 || batchLastOffsetDelta(buffer, at) < 0) return position + at;
      if (at + sizeBytes > got) {
        needed = sizeBytes;
        break;
      }
      if (options.verify && computeBatchCrc(buffer, at) !== batchCrc(buffer, at)) return position + at;
      if (!visit(buffer, at, position + at)) return position + at;
      at += sizeBytes;
    }
    if (at === 0 && needed <= buffer.length && got < wanted) return position;
    if (at === 0 && needed <= buffer.length && needed === 0) return position;
    position += at;
    if (needed > buffer.length) buffer = Buffer.allocUnsafe(needed);
    else if (buffer.length < PIECE_BYTES && options.to - position > buffer.length) {
      buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, options.to - position));
    }
  }
  return position;
}
