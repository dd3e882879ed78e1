/** Cutting a segment back: where, and what its indexes must still know afterwards. */
import { batchLastOffset, batchMaxTimestamp } from '../protocol/mod.ts';
import { scanBatches } from './log-scan.ts';
import type { Segment } from './segment.ts';

export interface Cut {
  /** Bytes of the segment that stay. */
  readonly position: number;
  /** Where the log ends then. */
  readonly endOffset: number;
}

/** The batch that holds `offset`, and whatever follows it, must go. */
export async function findCut(segment: Segment, offset: number): Promise<Cut> {
  let endOffset = segment.baseOffset;
  const from = segment.offsetIndex.lookup(offset - 1);
  const position = await scanBatches(segment, { from, to: segment.sizeBytes, verify: false }, (buffer, at) => {
    if (batchLastOffset(buffer, at) >= offset) return false;
    endOffset = batchLastOffset(buffer, at) + 1;
    return true;
  });
  // Where nothing is cut the log ends at the offset asked for, though its last batch may end before, as in a compacted
  // log.
  return { position, endOffset: position < segment.sizeBytes ? endOffset : offset };
}

export async function cutSegment(segment: Segment, { position, endOffset }: Cut): Promise<void> {
  if (position < segment.sizeBytes) {
    segment.truncate(position, endOffset);
    await segment.syncCut();
  }
  // The largest timestamp may have been in what went; the index knows it only up to its last entry.
  const sinceLastEntry = { from: segment.offsetIndex.lastPosition(), to: position, verify: false };
  await scanBatches(segment, sinceLastEntry, (buffer, at) => {
    segment.noteTimestamp(batchMaxTimestamp(buffer, at), batchLastOffset(buffer, at));
    return true;
  });
}
