/**
 * What a leader demands of a batch before it takes it (T31-T35). The header and the checksum are always checked;
 * records are stepped over, not decoded, unless something needs their content: keys on a compacted topic, a timestamp
 * out of bounds, or a codec that has to be replaced.
 */
import {
  BATCH_HEADER_BYTES,
  batchAttributes,
  batchBaseOffset,
  batchBaseSequence,
  batchBaseTimestamp,
  batchCompression,
  batchCrc,
  batchIsControl,
  batchIsTransactional,
  batchLastOffsetDelta,
  batchMagic,
  batchMaxTimestamp,
  batchProducerEpoch,
  batchProducerId,
  batchRecordCount,
  batchSizeBytes,
  buildBatch,
  computeBatchCrc,
  ErrorCode,
  type KafkaRecord,
  readRecords,
} from '../protocol/mod.ts';
import { BrokerError } from '../std/mod.ts';
import type { LogConfig } from './log-config.ts';

export interface RecordError {
  readonly batchIndex: number;
  readonly message: string;
}

export type Validation =
  | { readonly kind: 'accept'; readonly batch: Buffer; readonly appendTimeMs: number }
  | {
      readonly kind: 'refuse';
      readonly errorCode: number;
      readonly message: string;
      readonly recordErrors?: readonly RecordError[];
    };

export interface ValidationContext {
  readonly config: LogConfig;
  readonly origin: 'client' | 'coordinator';
  /** Version of the Produce request; zstd needs 7. */
  readonly produceVersion: number;
  readonly nowMs: number;
}

const CODEC_NUMBER = { uncompressed: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
const ZSTD = 4;
const PRODUCE_VERSION_WITH_ZSTD = 7;
const LOG_APPEND_TIME_ATTRIBUTE = 0x08;

export { LOG_APPEND_TIME_ATTRIBUTE };

function refuse(errorCode: number, message: string, recordErrors?: readonly RecordError[]): Validation {
  return recordErrors === undefined
    ? { kind: 'refuse', errorCode, message }
    : { kind: 'refuse', errorCode, message, recordErrors };
}

export function validateBatch(batch: Buffer, context: ValidationContext): Validation {
  const { config } = context;
  if (batch.length < BATCH_HEADER_BYTES) return refuse(ErrorCode.CORRUPT_MESSAGE, 'the batch ends within its header');
  const magic = batchMagic(batch, 0);
  if (magic !== 2) return refuse(ErrorCode.INVALID_RECORD, `record format ${magic} is not taken, only 2`);
  const sizeBytes = batchSizeBytes(batch, 0);
  if (sizeBytes < BATCH_HEADER_BYTES || sizeBytes > batch.length) {
    return refuse(ErrorCode.CORRUPT_MESSAGE, `the batch says it has ${sizeBytes} bytes and has ${batch.length}`);
  }
  if (sizeBytes < batch.length) return refuse(ErrorCode.INVALID_RECORD, 'more than one batch for a partition');
  if (sizeBytes > config.maxMessageBytes) {
    return refuse(ErrorCode.MESSAGE_TOO_LARGE, `${sizeBytes} bytes, max.message.bytes is ${config.maxMessageBytes}`);
  }
  if (sizeBytes > config.segmentBytes) {
    return refuse(ErrorCode.RECORD_LIST_TOO_LARGE, `${sizeBytes} bytes, segment.bytes is ${config.segmentBytes}`);
  }
  if (computeBatchCrc(batch, 0) !== batchCrc(batch, 0)) {
    return refuse(ErrorCode.CORRUPT_MESSAGE, 'the batch does not match its checksum');
  }
  const problem = headerProblem(batch, context);
  if (problem !== undefined) return refuse(ErrorCode.INVALID_RECORD, problem);

  const codec = batchCompression(batch, 0);
  if (codec > ZSTD) return refuse(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `codec ${codec} is unknown`);
  if (codec === ZSTD && context.produceVersion < PRODUCE_VERSION_WITH_ZSTD) {
    return refuse(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs version 7 of Produce');
  }
  if (context.origin === 'coordinator' && batchIsControl(batch, 0)) {
    return { kind: 'accept', batch, appendTimeMs: -1 };
  }

  const usesAppendTime = config.messageTimestampType === 'LogAppendTime';
  const target = config.compressionType === 'producer' ? codec : CODEC_NUMBER[config.compressionType];
  const mustDecode =
    target !== codec || config.cleanupCompact || (!usesAppendTime && mayViolateTime(batch, config, context.nowMs));
  if (!mustDecode) {
    if (codec === 0 && !recordsAreWhole(batch)) {
      return refuse(ErrorCode.INVALID_RECORD, 'the records do not fill their batch, or their offsets have holes');
    }
    return { kind: 'accept', batch, appendTimeMs: usesAppendTime ? context.nowMs : -1 };
  }

  let records: KafkaRecord[];
  try {
    records = readRecords(batch);
  } catch (error) {
    if (error instanceof BrokerError) return refuse(ErrorCode.INVALID_RECORD, error.message);
    throw error;
  }
  const refusal = recordProblems(records, context, usesAppendTime);
  if (refusal !== undefined) return refusal;
  const appendTimeMs = usesAppendTime ? context.nowMs : -1;
  const areDense = records.every((record, index) => record.offset === index);
  if (target === codec && areDense) return { kind: 'accept', batch, appendTimeMs };
  const rebuilt = rebuild(batch, records, target, config);
  if (rebuilt.length > config.maxMessageBytes) {
    return refuse(ErrorCode.MESSAGE_TOO_LARGE, `${rebuilt.length} bytes after recompression`);
  }
  return { kind: 'accept', batch: rebuilt, appendTimeMs };
}

function headerProblem(batch: Buffer, context: ValidationContext): string | undefined {
  const count = batchRecordCount(batch, 0);
  if (count <= 0) return 'the batch holds no records';
  if (count !== batchLastOffsetDelta(batch, 0) + 1) {
    return `${count} records, but the last offset delta is ${batchLastOffsetDelta(batch, 0)}`;
  }
  if (context.origin === 'client') {
    if (batchBaseOffset(batch, 0) !== 0) return 'the base offset of a produced batch must be 0';
    if (batchIsControl(batch, 0)) return 'clients may not write control batches';
  }
  const producerId = batchProducerId(batch, 0);
  if (producerId >= 0 && !batchIsControl(batch, 0) && batchBaseSequence(batch, 0) < 0) {
    return `producer ${producerId} gave no sequence`;
  }
  if (producerId < 0 && batchIsTransactional(batch, 0)) return 'a transactional batch without a producer id';
  return undefined;
}

function mayViolateTime(batch: Buffer, config: LogConfig, nowMs: number): boolean {
  if (batchMaxTimestamp(batch, 0) > nowMs + config.messageTimestampAfterMaxMs) return true;
  return config.messageTimestampBeforeMaxMs !== Number.POSITIVE_INFINITY;
}

function recordProblems(
  records: readonly KafkaRecord[],
  context: ValidationContext,
  usesAppendTime: boolean,
): Validation | undefined {
  const { config, nowMs } = context;
  const keyless: RecordError[] = [];
  const untimely: RecordError[] = [];
  records.forEach((record, batchIndex) => {
    if (config.cleanupCompact && record.key === null) {
      keyless.push({ batchIndex, message: 'Compacted topic cannot accept message without key.' });
    }
    if (usesAppendTime || record.timestamp < 0) return;
    const isOld = nowMs - record.timestamp > config.messageTimestampBeforeMaxMs;
    const isAhead = record.timestamp - nowMs > config.messageTimestampAfterMaxMs;
    if (isOld || isAhead) untimely.push({ batchIndex, message: `Timestamp ${record.timestamp} is out of range.` });
  });
  if (keyless.length > 0) {
    return refuse(ErrorCode.INVALID_RECORD, 'One or more records have been rejected', keyless);
  }
  if (untimely.length > 0) {
    return refuse(ErrorCode.INVALID_TIMESTAMP, 'One or more records have a timestamp out of range', untimely);
  }
  return undefined;
}

function rebuild(batch: Buffer, records: readonly KafkaRecord[], codec: number, config: LogConfig): Buffer {
  const level =
    codec === CODEC_NUMBER.gzip
      ? config.compressionGzipLevel
      : codec === CODEC_NUMBER.zstd
        ? config.compressionZstdLevel
        : config.compressionLz4Level;
  const usesAppendTime = (batchAttributes(batch, 0) & LOG_APPEND_TIME_ATTRIBUTE) !== 0;
  return buildBatch({
    compression: codec,
    level,
    producerId: batchProducerId(batch, 0),
    producerEpoch: batchProducerEpoch(batch, 0),
    baseSequence: batchBaseSequence(batch, 0),
    isTransactional: batchIsTransactional(batch, 0),
    timestampType: usesAppendTime ? 'LogAppendTime' : 'CreateTime',
    records: records.map((record, index) => ({
      offsetDelta: index,
      timestamp: usesAppendTime ? batchBaseTimestamp(batch, 0) : record.timestamp,
      key: record.key,
      value: record.value,
      headers: record.headers,
    })),
  });
}

/** Steps over the records of an uncompressed batch: their lengths must fill it, their offset deltas count 0, 1, 2, … */
function recordsAreWhole(batch: Buffer): boolean {
  const end = batchSizeBytes(batch, 0);
  const count = batchRecordCount(batch, 0);
  let at = BATCH_HEADER_BYTES;
  for (let index = 0; index < count; index++) {
    let value = 0;
    let shift = 0;
    let byte = 0x80;
    while (byte >= 0x80) {
      if (at >= end || shift > 28) return false;
      byte = batch[at++] as number;
      value |= (byte & 0x7f) << shift;
      shift += 7;
    }
    const length = (value >>> 1) ^ -(value & 1);
    const next = at + length;
    if (length < 6 || next > end) return false;
    // Attributes, then the timestamp delta: at most ten bytes, of which only the last has its top bit clear.
    at += 1;
    while ((batch[at] as number) >= 0x80) if (++at >= next) return false;
    at += 1;
    value = 0;
    shift = 0;
    byte = 0x80;
    while (byte >= 0x80) {
      if (at >= next || shift > 28) return false;
      byte = batch[at++] as number;
      value |= (byte & 0x7f) << shift;
      shift += 7;
    }
    if (((value >>> 1) ^ -(value & 1)) !== index) return false;
    at = next;
  }
  return at === end;
}
