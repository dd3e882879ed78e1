/**
 * The four codecs of record batches. Output is bounded: a few kilobytes that claim to be gigabytes are refused before
 * the gigabytes exist.
 *
 * Snappy is written in xerial framing, as the Java client does, and read in either form, for some clients send one raw
 * block. LZ4 is the frame format.
 */
import { createRequire } from 'node:module';
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { BrokerError } from '../std/mod.ts';

export const Compression = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type CompressionName = keyof typeof Compression;
export const compressionNames: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** What one batch may grow to. Far above any batch a client builds, far below what would hurt the broker. */
export const UNCOMPRESSED_BYTES_MAX = 256 * 1024 * 1024;

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEADER_BYTES = 16;
const XERIAL_BLOCK_BYTES = 32 * 1024;
const LZ4_MAGIC = 0x184d2204;

const require = createRequire(import.meta.url);

/** Loaded on first use: a broker that only passes batches on never needs them. */
const load = <Library>(name: string): (() => Library) => {
  let library: Library | undefined;
  return () => {
    library ??= require(name) as Library;
    return library;
  };
};
const snappy = load<{ compressSync(data: Buffer): Buffer; uncompressSync(data: Buffer): Buffer }>('snappy');
const lz4 = load<{ compressFrameSync(data: Buffer): Buffer; decompressFrameSync(data: Buffer): Buffer }>('lz4-napi');

export function compress(codec: number, data: Buffer, level?: number): Buffer {
  switch (codec) {
    case Compression.none:
      return data;
    case Compression.gzip:
      return gzipSync(data, level === undefined || level === -1 ? {} : { level });
    case Compression.snappy:
      return compressXerial(data);
    case Compression.lz4:
      return Buffer.from(lz4().compressFrameSync(data));
    case Compression.zstd:
      return zstdCompressSync(
        data,
        level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } },
      );
    default:
      throw invalid(`compression codec ${codec} does not exist`);
  }
}

/** Throws BrokerError `record.invalid` when the data is damaged or would exceed `bytesMax`. */
export function decompress(codec: number, data: Buffer, bytesMax: number = UNCOMPRESSED_BYTES_MAX): Buffer {
  try {
    switch (codec) {
      case Compression.none:
        return data;
      case Compression.gzip:
        return gunzipSync(data, { maxOutputLength: bytesMax });
      case Compression.snappy:
        return data.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)
          ? uncompressXerial(data, bytesMax)
          : uncompressBlock(data, bytesMax);
      case Compression.lz4:
        checkLz4Frame(data, bytesMax);
        return Buffer.from(lz4().decompressFrameSync(data));
      case Compression.zstd:
        return zstdDecompressSync(data, { maxOutputLength: bytesMax });
      default:
        throw invalid(`compression codec ${codec} does not exist`);
    }
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw invalid(`a ${compressionNames[codec]} batch cannot be decompressed`, error);
  }
}

function compressXerial(data: Buffer): Buffer {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES);
  XERIAL_MAGIC.copy(header);
  header.writeInt32BE(1, 8);
  header.writeInt32BE(1, 12);
  const chunks: Buffer[] = [header];
  for (let at = 0; at < data.length; at += XERIAL_BLOCK_BYTES) {
    const block = snappy().compressSync(data.subarray(at, at + XERIAL_BLOCK_BYTES));
    const size = Buffer.allocUnsafe(4);
    size.writeInt32BE(block.length, 0);
    chunks.push(size, block);
  }
  return Buffer.concat(chunks);
}

function uncompressXerial(data: Buffer, bytesMax: number): Buffer {
  const chunks: Buffer[] = [];
  let left = bytesMax;
  let at = XERIAL_HEADER_BYTES;
  while (at < data.length) {
    if (data.length - at < 4) throw invalid('a snappy block header is cut off');
    const size = data.readInt32BE(at);
    at += 4;
    if (size < 0 || size > data.length - at) throw invalid('a snappy block is longer than its batch');
    const block = uncompressBlock(data.subarray(at, at + size), left);
    chunks.push(block);
    left -= block.length;
    at += size;
  }
  return Buffer.concat(chunks);
}

function uncompressBlock(data: Buffer, bytesMax: number): Buffer {
  // A raw block starts with its uncompressed size as a varint, which the library would allocate as it stands.
  let size = 0;
  for (let i = 0; i < 5; i++) {
    const byte = data[i];
    if (byte === undefined) throw invalid('a snappy block is cut off');
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  if (size > bytesMax) throw invalid(`a snappy block claims ${size} bytes, ${bytesMax} are allowed`);
  return Buffer.from(snappy().uncompressSync(data));
}

/** Walks the block headers of an LZ4 frame: every block grows to the frame's block size at most. */
function checkLz4Frame(data: Buffer, bytesMax: number): void {
  if (data.length < 7 || data.readUInt32LE(0) !== LZ4_MAGIC) throw invalid('an lz4 batch does not start with a frame');
  const flags = data[4] as number;
  const blockBytesMax = 2 ** (8 + 2 * (((data[5] as number) >> 4) & 7));
  const hasBlockChecksum = (flags & 0x10) !== 0;
  let at = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  for (let blocks = 0; ; blocks++) {
    if (data.length - at < 4) throw invalid('an lz4 frame is cut off');
    const size = data.readUInt32LE(at) & 0x7fffffff;
    if (size === 0) return;
    if (blocks * blockBytesMax > bytesMax) throw invalid(`an lz4 batch grows beyond ${bytesMax} bytes`);
    at += 4 + size + (hasBlockChecksum ? 4 : 0);
  }
}

function invalid(sentence: string, cause?: unknown): BrokerError {
  return new BrokerError('record.invalid', sentence, { cause });
}
