/**
 * Record batch v2 as bytes: the 61-byte header, read and patched in place.
 *
 * The broker passes batches on without decoding them, so these are functions of (buffer, position) and allocate
 * nothing. baseOffset and partitionLeaderEpoch lie outside the checksum, which is why a leader may set them without
 * resealing.
 */
import { crc32c } from './crc32c.ts';

export const BATCH_HEADER_BYTES = 61;
/** baseOffset and batchLength, the part that the length does not count. */
export const BATCH_PREFIX_BYTES = 12;
export const MAGIC_V2 = 2;
/** Where the checksummed part starts. */
export const BATCH_CRC_START = 21;

const TWO_32 = 4294967296;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const DELETE_HORIZON = 0x40;

export const BatchAttribute = {
  codecMask: CODEC_MASK,
  logAppendTime: LOG_APPEND_TIME,
  transactional: TRANSACTIONAL,
  control: CONTROL,
  deleteHorizon: DELETE_HORIZON,
} as const;

function int32(b: Buffer, at: number): number {
  return (
    ((b[at] as number) << 24) | ((b[at + 1] as number) << 16) | ((b[at + 2] as number) << 8) | (b[at + 3] as number)
  );
}

function int64(b: Buffer, at: number): number {
  return int32(b, at) * TWO_32 + (int32(b, at + 4) >>> 0);
}

function setInt32(b: Buffer, at: number, value: number): void {
  b[at] = value >> 24;
  b[at + 1] = value >> 16;
  b[at + 2] = value >> 8;
  b[at + 3] = value;
}

function setInt64(b: Buffer, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  setInt32(b, at, high | 0);
  setInt32(b, at + 4, (value - high * TWO_32) | 0);
}

export const batchBaseOffset = (b: Buffer, at: number): number => int64(b, at);
/** Size of the whole batch, prefix included. */
export const batchSizeBytes = (b: Buffer, at: number): number => int32(b, at + 8) + BATCH_PREFIX_BYTES;
export const batchPartitionLeaderEpoch = (b: Buffer, at: number): number => int32(b, at + 12);
export const batchMagic = (b: Buffer, at: number): number => b[at + 16] as number;
export const batchCrc = (b: Buffer, at: number): number => int32(b, at + 17) >>> 0;
export const batchAttributes = (b: Buffer, at: number): number =>
  ((b[at + 21] as number) << 8) | (b[at + 22] as number);
export const batchLastOffsetDelta = (b: Buffer, at: number): number => int32(b, at + 23);
export const batchBaseTimestamp = (b: Buffer, at: number): number => int64(b, at + 27);
export const batchMaxTimestamp = (b: Buffer, at: number): number => int64(b, at + 35);
export const batchProducerId = (b: Buffer, at: number): number => int64(b, at + 43);
export const batchProducerEpoch = (b: Buffer, at: number): number =>
  (((b[at + 51] as number) << 24) | ((b[at + 52] as number) << 16)) >> 16;
export const batchBaseSequence = (b: Buffer, at: number): number => int32(b, at + 53);
export const batchRecordCount = (b: Buffer, at: number): number => int32(b, at + 57);

export const batchLastOffset = (b: Buffer, at: number): number => batchBaseOffset(b, at) + batchLastOffsetDelta(b, at);
export const batchCompression = (b: Buffer, at: number): number => (b[at + 22] as number) & CODEC_MASK;
export const batchUsesLogAppendTime = (b: Buffer, at: number): boolean =>
  ((b[at + 22] as number) & LOG_APPEND_TIME) !== 0;
export const batchIsTransactional = (b: Buffer, at: number): boolean => ((b[at + 22] as number) & TRANSACTIONAL) !== 0;
export const batchIsControl = (b: Buffer, at: number): boolean => ((b[at + 22] as number) & CONTROL) !== 0;
export const batchHasDeleteHorizon = (b: Buffer, at: number): boolean =>
  ((b[at + 22] as number) & DELETE_HORIZON) !== 0;

export const setBatchBaseOffset = (b: Buffer, at: number, offset: number): void => setInt64(b, at, offset);
export const setBatchPartitionLeaderEpoch = (b: Buffer, at: number, epoch: number): void => setInt32(b, at + 12, epoch);
/** The setters from here on touch the checksummed part: `resealBatch` afterwards. */
export const setBatchAttributes = (b: Buffer, at: number, attributes: number): void => {
  b[at + 21] = attributes >> 8;
  b[at + 22] = attributes;
};
export const setBatchMaxTimestamp = (b: Buffer, at: number, timestamp: number): void => setInt64(b, at + 35, timestamp);

export function computeBatchCrc(b: Buffer, at: number): number {
  return crc32c(b, at + BATCH_CRC_START, at + batchSizeBytes(b, at));
}

export function resealBatch(b: Buffer, at: number): void {
  setInt32(b, at + 17, computeBatchCrc(b, at) | 0);
}

export interface BatchHeader {
  readonly baseOffset: number;
  readonly partitionLeaderEpoch: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}

/** Writes the header of the batch that fills `b`, and seals it. */
export function writeBatchHeader(b: Buffer, header: BatchHeader): void {
  setInt64(b, 0, header.baseOffset);
  setInt32(b, 8, b.length - BATCH_PREFIX_BYTES);
  setInt32(b, 12, header.partitionLeaderEpoch);
  b[16] = MAGIC_V2;
  setBatchAttributes(b, 0, header.attributes);
  setInt32(b, 23, header.lastOffsetDelta);
  setInt64(b, 27, header.baseTimestamp);
  setInt64(b, 35, header.maxTimestamp);
  setInt64(b, 43, header.producerId);
  b[51] = header.producerEpoch >> 8;
  b[52] = header.producerEpoch;
  setInt32(b, 53, header.baseSequence);
  setInt32(b, 57, header.recordCount);
  resealBatch(b, 0);
}
