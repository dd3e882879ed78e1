/**
 * Which segments may go: by the age of their youngest record, by the size of the log, and when all of them lies below
 * the log start (T75). Nothing at or past the high watermark goes, and only oldest first.
 */
import type { PartitionLog } from './partition-log.ts';
import type { Segment } from './segment.ts';

/** How many of the oldest segments to delete. The last may be the active one: it is rolled first. */
export function planRetention(log: PartitionLog, nowMs: number): number {
  const { segments, config } = log;
  const deletesByPolicy = config.cleanupDelete;
  let excessBytes = config.retentionBytes < 0 ? -1 : log.sizeBytes - config.retentionBytes;
  let count = 0;
  for (let slot = 0; slot < segments.length; slot++) {
    const segment = segments[slot] as Segment;
    const endOffset = segments[slot + 1]?.baseOffset ?? log.logEndOffset;
    if (segment.sizeBytes === 0 && slot === segments.length - 1) break;
    if (endOffset > log.highWatermark) break;
    const isBelowStart = endOffset <= log.logStartOffset && slot < segments.length - 1;
    const isExpired =
      deletesByPolicy && config.retentionMs >= 0 && nowMs - retentionTimestamp(segment) > config.retentionMs;
    const isExcess = deletesByPolicy && excessBytes >= segment.sizeBytes && slot < segments.length - 1;
    if (!isBelowStart && !isExpired && !isExcess) break;
    if (excessBytes >= 0) excessBytes -= segment.sizeBytes;
    count += 1;
  }
  return count;
}

/** Records without a time count as old as the segment that holds them. */
function retentionTimestamp(segment: Segment): number {
  const timestamp = segment.largestTimestamp;
  segment.unloadIndexes();
  return timestamp >= 0 ? timestamp : segment.createdMs;
}

export function enforceRetention(log: PartitionLog, nowMs: number): number {
  const count = planRetention(log, nowMs);
  if (count === 0) return 0;
  if (count === log.segments.length) log.roll();
  // Staged batches do not count as written: if the roll found nothing to roll, the active segment stays.
  const droppable = Math.min(count, log.segments.length - 1);
  if (droppable > 0) log.dropSegments(droppable);
  return droppable;
}
