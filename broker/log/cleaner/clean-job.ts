/**
 * Compaction's heavy work, off the loop: closed segments in, `.cleaned` files out (T100-T102).
 *
 * A pure function of the files and its input. Nothing that it writes counts until the loop has swapped it in, so it may
 * die, or be thrown away, at any point. Batches keep their first and last offset, however many of their records go.
 */
import {
  batchBaseOffset,
  batchBaseSequence,
  batchCompression,
  batchDeleteHorizonMs,
  batchIsControl,
  batchIsTransactional,
  batchLastOffset,
  batchLastOffsetDelta,
  batchMaxTimestamp,
  batchPartitionLeaderEpoch,
  batchProducerEpoch,
  batchProducerId,
  batchSizeBytes,
  batchUsesLogAppendTime,
  buildBatch,
  forEachRecord,
  type KafkaRecord,
  readRecords,
} from '../../protocol/mod.ts';
import { assert, type Disk } from '../../std/mod.ts';
import { CLEANED_SUFFIX } from '../file-names.ts';
import { scanBatches } from '../log-scan.ts';
import { Segment } from '../segment.ts';
import { OffsetMap } from './offset-map.ts';
import { TransactionFilter } from './transaction-filter.ts';

export interface CleanSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
}

export interface CleanInput {
  readonly folder: string;
  /** All segments below the first offset that may not be cleaned, oldest first, in groups that become one each. */
  readonly groups: readonly (readonly CleanSegment[])[];
  readonly firstDirtyOffset: number;
  readonly endOffset: number;
  /** Memory for the map of keys. */
  readonly mapBytesMax: number;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  readonly indexIntervalBytes: number;
  readonly highWatermark: number;
  /** Producer id to the last offset of its data, or -1 when a marker is the last that it left. */
  readonly activeProducers: readonly { readonly producerId: number; readonly lastOffset: number }[];
}

export interface CleanOutput {
  /** One per group that was cleaned, in order; groups past the mapped end are left out. */
  readonly cleaned: readonly { readonly baseOffset: number; readonly sizeBytes: number; readonly replaces: number }[];
  /** The log is clean below it; where it was before when not even one batch's keys found room. */
  readonly cleanEndOffset: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** How full the map of keys was, 0 to 1. */
  readonly mapUtilization: number;
}

export async function job(input: CleanInput, world?: { readonly disk: Disk }): Promise<CleanOutput> {
  const disk = world?.disk ?? (await import('../../std/node-disk.ts')).nodeDisk();
  const map = await mapKeys(disk, input);
  const filter = await openFilter(disk, input);
  const producers = new Map(input.activeProducers.map((each) => [each.producerId, each.lastOffset]));
  const cleaned: { baseOffset: number; sizeBytes: number; replaces: number }[] = [];
  for (const group of input.groups) {
    // Without the keys of what follows nothing in it is known to be stale, so a group past the map stays as it is.
    if ((group[0] as CleanSegment).baseOffset >= map.endOffset) break;
    const sizeBytes = await cleanGroup(disk, input, group, map, filter, producers);
    cleaned.push({ baseOffset: (group[0] as CleanSegment).baseOffset, sizeBytes, replaces: group.length });
  }
  const bytesWritten = cleaned.reduce((sum, each) => sum + each.sizeBytes, 0);
  const bytesRead = sizeOf(input.groups.slice(0, cleaned.length).flat());
  const mapUtilization = map.utilization;
  return { cleaned, cleanEndOffset: map.endOffset, bytesRead, bytesWritten, mapUtilization };
}

function openSegment(disk: Disk, input: CleanInput, { baseOffset, sizeBytes }: CleanSegment): Segment {
  return new Segment({ disk, folder: input.folder, baseOffset, sizeBytes, createdMs: input.nowMs });
}

async function openFilter(disk: Disk, input: CleanInput): Promise<TransactionFilter> {
  const aborted = input.groups.flat().flatMap((each) => openSegment(disk, input, each).transactionIndex.all());
  return new TransactionFilter(aborted);
}

/** The last offset of every key in the dirty part, as far as memory reaches. */
async function mapKeys(disk: Disk, input: CleanInput): Promise<OffsetMap> {
  const { firstDirtyOffset, endOffset } = input;
  const keysWanted = endOffset - firstDirtyOffset;
  const map = new OffsetMap({ bytesMax: input.mapBytesMax, keysWanted, startOffset: firstDirtyOffset });
  const filter = await openFilter(disk, input);
  let isFull = false;
  for (const each of input.groups.flat()) {
    const segment = openSegment(disk, input, each);
    await scanBatches(segment, { from: 0, to: each.sizeBytes, verify: false }, (buffer, at) => {
      if (batchIsControl(buffer, at)) {
        filter.onMarker(buffer, at);
        return true;
      }
      const isAborted = filter.onData(buffer, at);
      if (isAborted || batchLastOffset(buffer, at) < firstDirtyOffset) return true;
      forEachRecord(view(buffer, at), ({ key, offset }) => {
        if (key !== null && offset >= firstDirtyOffset && !map.put(key, offset)) isFull = true;
      });
      if (!isFull) map.endOffset = batchLastOffset(buffer, at) + 1;
      return !isFull;
    });
    segment.closeFile();
    if (isFull) return map;
  }
  map.endOffset = endOffset;
  return map;
}

function sizeOf(segments: readonly CleanSegment[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function cleanGroup(
  disk: Disk,
  input: CleanInput,
  group: readonly CleanSegment[],
  map: OffsetMap,
  filter: TransactionFilter,
  producers: ReadonlyMap<number, number>,
): Promise<number> {
  const { baseOffset } = group[0] as CleanSegment;
  const target = Segment.create({
    disk,
    folder: input.folder,
    baseOffset,
    nowMs: input.nowMs,
    suffix: CLEANED_SUFFIX,
  });
  const write = (batch: Buffer): void => {
    for (let at = 0; at < batch.length; ) {
      at += target.file.writeSync(batch, at, batch.length - at, target.sizeBytes + at);
    }
    target.appended(batch, 0, batch.length, input.indexIntervalBytes);
  };
  for (const each of group) {
    const source = openSegment(disk, input, each);
    const end = await scanBatches(source, { from: 0, to: each.sizeBytes, verify: true }, (buffer, at) => {
      const kept = cleanBatch(view(buffer, at), input, map, filter, producers);
      if (kept !== undefined) write(kept);
      return true;
    });
    source.closeFile();
    assert(end === each.sizeBytes, 'a closed segment ends in something else than a whole batch');
  }
  for (const transaction of filter.takeAborted()) target.transactionIndex.append(transaction);
  target.finish();
  target.file.datasyncSync();
  await target.sync({ withIndexes: true });
  target.closeFile();
  return target.sizeBytes;
}

/** What becomes of a batch: itself, a smaller one, an empty one that holds its place, or nothing. */
function cleanBatch(
  batch: Buffer,
  input: CleanInput,
  map: OffsetMap,
  filter: TransactionFilter,
  producers: ReadonlyMap<number, number>,
): Buffer | undefined {
  const isControl = batchIsControl(batch, 0);
  const horizonMs = batchDeleteHorizonMs(batch, 0);
  const isPastHorizon = horizonMs >= 0 && horizonMs <= input.nowMs;
  // A marker whose transaction has left nothing behind is like a tombstone: it goes after the horizon.
  const isNeedless = isControl ? filter.onMarker(batch, 0) : filter.onData(batch, 0);
  const isDropped = isNeedless && (!isControl || isPastHorizon);
  const records = isDropped ? [] : readRecords(batch);
  const kept = isControl ? records : records.filter((record) => isKept(record, map, isPastHorizon));
  if (kept.length === 0) return mustHoldPlace(batch, input, producers) ? rebuild(batch, [], -1) : undefined;
  const hasTombstone = isControl ? isNeedless : kept.some((record) => record.value === null);
  const newHorizonMs = horizonMs < 0 && hasTombstone ? input.nowMs + input.deleteRetentionMs : horizonMs;
  if (kept.length === records.length && newHorizonMs === horizonMs) return batch;
  return rebuild(batch, kept, newHorizonMs);
}

function isKept(record: KafkaRecord, map: OffsetMap, isPastHorizon: boolean): boolean {
  if (record.offset >= map.endOffset) return true;
  if (record.key === null) return false;
  const latest = map.get(record.key);
  if (latest !== undefined && record.offset < latest) return false;
  return record.value !== null || !isPastHorizon;
}

/**
 * A producer's last batch carries its sequence and epoch; the batch before the high watermark carries the log's end.
 */
function mustHoldPlace(batch: Buffer, input: CleanInput, producers: ReadonlyMap<number, number>): boolean {
  if (batchLastOffset(batch, 0) + 1 === input.highWatermark) return true;
  const lastOffset = producers.get(batchProducerId(batch, 0));
  if (lastOffset === undefined) return false;
  return lastOffset < 0 ? batchIsControl(batch, 0) : lastOffset === batchLastOffset(batch, 0);
}

function rebuild(batch: Buffer, records: readonly KafkaRecord[], horizonMs: number): Buffer {
  const baseOffset = batchBaseOffset(batch, 0);
  const usesAppendTime = batchUsesLogAppendTime(batch, 0);
  const keepsMaxTimestamp = usesAppendTime || records.length === 0;
  return buildBatch({
    baseOffset,
    lastOffsetDelta: batchLastOffsetDelta(batch, 0),
    partitionLeaderEpoch: batchPartitionLeaderEpoch(batch, 0),
    compression: records.length === 0 ? 0 : batchCompression(batch, 0),
    timestampType: usesAppendTime ? 'LogAppendTime' : 'CreateTime',
    ...(keepsMaxTimestamp ? { maxTimestamp: batchMaxTimestamp(batch, 0) } : {}),
    ...(horizonMs >= 0 ? { deleteHorizonMs: horizonMs } : {}),
    producerId: batchProducerId(batch, 0),
    producerEpoch: batchProducerEpoch(batch, 0),
    baseSequence: batchBaseSequence(batch, 0),
    isTransactional: batchIsTransactional(batch, 0),
    isControl: batchIsControl(batch, 0),
    records: records.map((record) => ({ ...record, offsetDelta: record.offset - baseOffset })),
  });
}

function view(buffer: Buffer, at: number): Buffer {
  return buffer.subarray(at, at + batchSizeBytes(buffer, at));
}
