/**
 * ListOffsets by time (T63): the first record at least as young as asked, or the youngest of all, with its own
 * timestamp, offset and leader epoch. Indexes narrow the search to one batch, which is then read and decoded.
 */
import {
  batchLastOffset,
  batchMaxTimestamp,
  batchPartitionLeaderEpoch,
  batchSizeBytes,
  readRecords,
} from '../protocol/mod.ts';
import { scanBatches } from './log-scan.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Segment } from './segment.ts';

export interface TimestampLookup {
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

export async function findOffsetForTimestamp(
  log: PartitionLog,
  targetMs: number,
): Promise<TimestampLookup | undefined> {
  for (const segment of log.segmentsFrom(log.logStartOffset)) {
    if (segment.largestTimestamp < targetMs) continue;
    const startOffset = Math.max(segment.timeIndex.lookup(targetMs - 1).offset, segment.baseOffset);
    const found = await search(segment, startOffset, (batch) => {
      if (batchMaxTimestamp(batch, 0) < targetMs) return undefined;
      return readRecords(batch).find((each) => each.timestamp >= targetMs && each.offset >= log.logStartOffset);
    });
    if (found !== undefined && found.offset < log.logEndOffset) return found;
  }
  return undefined;
}

export async function findMaxTimestamp(log: PartitionLog): Promise<TimestampLookup | undefined> {
  let youngest: Segment | undefined;
  for (const segment of log.segmentsFrom(log.logStartOffset)) {
    if (segment.largestTimestamp < 0) continue;
    if (youngest === undefined || segment.largestTimestamp > youngest.largestTimestamp) youngest = segment;
  }
  if (youngest === undefined) return undefined;
  const { timestamp } = youngest.largestTimestampOffset();
  const startOffset = Math.max(youngest.timeIndex.lookup(timestamp - 1).offset, youngest.baseOffset);
  return search(youngest, startOffset, (batch) => {
    if (batchMaxTimestamp(batch, 0) < timestamp) return undefined;
    return readRecords(batch).find((each) => each.timestamp >= timestamp);
  });
}

async function search(
  segment: Segment,
  startOffset: number,
  match: (batch: Buffer) => { readonly timestamp: number; readonly offset: number } | undefined,
): Promise<TimestampLookup | undefined> {
  let found: TimestampLookup | undefined;
  const from = segment.offsetIndex.lookup(startOffset);
  const options = { from, to: segment.sizeBytes, verify: false, pieceBytes: 64 * 1024 };
  await scanBatches(segment, options, (buffer, at) => {
    if (batchLastOffset(buffer, at) < startOffset) return true;
    const record = match(buffer.subarray(at, at + batchSizeBytes(buffer, at)));
    if (record === undefined) return true;
    const leaderEpoch = batchPartitionLeaderEpoch(buffer, at);
    found = { timestamp: record.timestamp, offset: record.offset, leaderEpoch };
    return false;
  });
  return found;
}
