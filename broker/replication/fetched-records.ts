/** Batches as they come from a leader, looked at before they are appended. */
import { BATCH_HEADER_BYTES, batchBaseOffset, batchPartitionLeaderEpoch, batchSizeBytes } from '../protocol/mod.ts';

const NOTHING = Buffer.alloc(0);

/** The batches before the first one of a later epoch; a batch that is cut short at the end is left in. */
export function upToEpoch(records: Buffer | null, leaderEpoch: number): Buffer {
  if (records === null) return NOTHING;
  for (let at = 0; at + BATCH_HEADER_BYTES <= records.length; ) {
    if (batchPartitionLeaderEpoch(records, at) > leaderEpoch) return records.subarray(0, at);
    const sizeBytes = batchSizeBytes(records, at);
    // Not a batch: whoever appends it says so.
    if (sizeBytes < BATCH_HEADER_BYTES) return records;
    at += sizeBytes;
  }
  return records;
}

/** The offset at which the records begin, if that is before `offset`. */
export function beginsBefore(records: Buffer, offset: number): number | undefined {
  if (records.length < BATCH_HEADER_BYTES) return undefined;
  const baseOffset = batchBaseOffset(records, 0);
  return baseOffset < offset ? baseOffset : undefined;
}
