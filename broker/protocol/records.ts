/**
 * The records inside a batch, decoded and encoded one by one. Only those who need a record's content come here:
 * compaction, recompression, coordinators that read back their own topics, clients.
 */
import { BrokerError } from '../std/mod.ts';
import { Compression, compress, decompress } from './compression.ts';
import { Reader } from './reader.ts';
import {
  BATCH_HEADER_BYTES,
  BatchAttribute,
  batchBaseOffset,
  batchBaseTimestamp,
  batchCompression,
  batchHasDeleteHorizon,
  batchMaxTimestamp,
  batchRecordCount,
  batchSizeBytes,
  batchUsesLogAppendTime,
  writeBatchHeader,
} from './record-batch.ts';
import { Writer } from './writer.ts';

export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** Key, value and header values are views into the (decompressed) batch. */
export interface KafkaRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** Throws BrokerError `record.invalid` on anything that is not a whole, well-formed batch. */
export function forEachRecord(
  batch: Buffer,
  visit: (record: KafkaRecord) => void,
  uncompressedBytesMax?: number,
): void {
  const body = decompress(
    batchCompression(batch, 0),
    batch.subarray(BATCH_HEADER_BYTES, batchSizeBytes(batch, 0)),
    uncompressedBytesMax,
  );
  const baseOffset = batchBaseOffset(batch, 0);
  // With a delete horizon set, the base timestamp field holds the horizon, and deltas count from it all the same
  // (KIP-534).
  const baseTimestamp = batchBaseTimestamp(batch, 0);
  const appendTime = batchUsesLogAppendTime(batch, 0) ? batchMaxTimestamp(batch, 0) : undefined;
  const count = batchRecordCount(batch, 0);
  const reader = new Reader(body);
  try {
    for (let i = 0; i < count; i++) visit(readRecord(reader, baseOffset, baseTimestamp, appendTime));
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'protocol.malformed') {
      throw new BrokerError('record.invalid', `a record of the batch at offset ${baseOffset} is malformed`, {
        cause: error,
      });
    }
    throw error;
  }
  if (reader.remaining !== 0) {
    throw new BrokerError('record.invalid', `the batch at offset ${baseOffset} holds more than its ${count} records`);
  }
}

export function readRecords(batch: Buffer, uncompressedBytesMax?: number): KafkaRecord[] {
  const records: KafkaRecord[] = [];
  forEachRecord(batch, (record) => records.push(record), uncompressedBytesMax);
  return records;
}

/** The delete horizon of a compacted batch, or -1. */
export function batchDeleteHorizonMs(batch: Buffer, at: number): number {
  return batchHasDeleteHorizon(batch, at) ? batchBaseTimestamp(batch, at) : -1;
}

function readRecord(
  reader: Reader,
  baseOffset: number,
  baseTimestamp: number,
  appendTime: number | undefined,
): KafkaRecord {
  const size = reader.readVarint();
  const end = reader.offset + size;
  if (size < 0 || end > reader.end) throw new BrokerError('protocol.malformed', 'a record is longer than its batch');
  reader.readInt8();
  const timestamp = baseTimestamp + reader.readVarlong();
  const offset = baseOffset + reader.readVarint();
  const key = readVarBytes(reader);
  const value = readVarBytes(reader);
  const headerCount = reader.readVarint();
  if (headerCount < 0 || headerCount > reader.remaining) {
    throw new BrokerError('protocol.malformed', `a record claims ${headerCount} headers`);
  }
  const headers: RecordHeader[] = headerCount === 0 ? NO_HEADERS : [];
  for (let i = 0; i < headerCount; i++) {
    const headerKey = readVarBytes(reader);
    if (headerKey === null) throw new BrokerError('protocol.malformed', 'a header key is null');
    headers.push({ key: headerKey.toString('utf8'), value: readVarBytes(reader) });
  }
  if (reader.offset !== end)
    throw new BrokerError('protocol.malformed', 'a record does not have the size it announces');
  return { offset, timestamp: appendTime ?? timestamp, key, value, headers };
}

const NO_HEADERS: RecordHeader[] = [];

function readVarBytes(reader: Reader): Buffer | null {
  const length = reader.readVarint();
  return length < 0 ? null : reader.view(length);
}

export interface RecordInit {
  /** Default: the record's position in the batch. */
  readonly offsetDelta?: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly RecordHeader[];
}

export interface BatchInit {
  readonly records: readonly RecordInit[];
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
  readonly compression?: number;
  readonly level?: number;
  readonly timestampType?: 'CreateTime' | 'LogAppendTime';
  readonly maxTimestamp?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  readonly deleteHorizonMs?: number;
  /** Default: the last record's delta. Compaction keeps the original even when the last record went. */
  readonly lastOffsetDelta?: number;
}

export function buildBatch(init: BatchInit): Buffer {
  const { records } = init;
  const baseTimestamp = init.deleteHorizonMs ?? records[0]?.timestamp ?? -1;
  const body = new Writer(1024);
  let maxTimestamp = -1;
  let lastOffsetDelta = 0;
  records.forEach((record, index) => {
    const offsetDelta = record.offsetDelta ?? index;
    lastOffsetDelta = offsetDelta;
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp;
    writeRecord(body, record, record.timestamp - baseTimestamp, offsetDelta);
  });
  const codec = init.compression ?? Compression.none;
  const raw = body.finish();
  const payload = codec === Compression.none ? raw : compress(codec, raw, init.level);
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + payload.length);
  payload.copy(batch, BATCH_HEADER_BYTES);
  writeBatchHeader(batch, {
    baseOffset: init.baseOffset ?? 0,
    partitionLeaderEpoch: init.partitionLeaderEpoch ?? -1,
    attributes:
      codec |
      (init.timestampType === 'LogAppendTime' ? BatchAttribute.logAppendTime : 0) |
      (init.isTransactional ? BatchAttribute.transactional : 0) |
      (init.isControl ? BatchAttribute.control : 0) |
      (init.deleteHorizonMs === undefined ? 0 : BatchAttribute.deleteHorizon),
    lastOffsetDelta: init.lastOffsetDelta ?? lastOffsetDelta,
    baseTimestamp,
    maxTimestamp: init.maxTimestamp ?? maxTimestamp,
    producerId: init.producerId ?? -1,
    producerEpoch: init.producerEpoch ?? -1,
    baseSequence: init.baseSequence ?? -1,
    recordCount: records.length,
  });
  return batch;
}

function writeRecord(writer: Writer, record: RecordInit, timestampDelta: number, offsetDelta: number): void {
  const headers = (record.headers ?? []).map((header) => ({ key: Buffer.from(header.key), value: header.value }));
  let size =
    1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta) + varBytes(record.key) + varBytes(record.value);
  size += varintBytes(headers.length);
  for (const header of headers) size += varBytes(header.key) + varBytes(header.value);
  writer.writeVarint(size);
  writer.writeInt8(0);
  writer.writeVarlong(timestampDelta);
  writer.writeVarint(offsetDelta);
  writeVarBytes(writer, record.key);
  writeVarBytes(writer, record.value);
  writer.writeVarint(headers.length);
  for (const header of headers) {
    writeVarBytes(writer, header.key);
    writeVarBytes(writer, header.value);
  }
}

function writeVarBytes(writer: Writer, value: Buffer | null): void {
  writer.writeVarint(value === null ? -1 : value.length);
  if (value !== null) writer.writeRaw(value);
}

function varBytes(value: Buffer | null): number {
  return value === null ? 1 : varintBytes(value.length) + value.length;
}

function varintBytes(value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  let bytes = 1;
  for (; rest >= 0x80; rest >>>= 7) bytes++;
  return bytes;
}

function varlongBytes(value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  let bytes = 1;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
