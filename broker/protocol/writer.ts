/**
 * Writes Kafka's primitive types into a growing buffer.
 *
 * Records are not copied: from `RECORDS_BY_REFERENCE_BYTES_MIN` on they become chunks of their own in the output, so
 * that a fetch response is a few small buffers around slices of the log.
 */
import { assert, uuidToBytes, ZERO_UUID } from '../std/mod.ts';

const TWO_32 = 4294967296;
const TWO_63 = 2 ** 63;
const RECORDS_BY_REFERENCE_BYTES_MIN = 2048;
const INITIAL_BYTES = 256;

export class Writer {
  private readonly chunks: Buffer[] = [];
  private chunkBytes = 0;
  private buffer: Buffer;
  private start = 0;
  private offset = 0;

  constructor(initialBytes: number = INITIAL_BYTES) {
    this.buffer = Buffer.allocUnsafe(initialBytes);
  }

  /** Bytes written so far. */
  get sizeBytes(): number {
    return this.chunkBytes + this.offset - this.start;
  }

  private reserve(length: number): number {
    const at = this.offset;
    const needed = at + length;
    if (needed > this.buffer.length) {
      const grown = Buffer.allocUnsafe(
        Math.max((this.buffer.length - this.start) * 2, needed - this.start, INITIAL_BYTES),
      );
      this.buffer.copy(grown, 0, this.start, at);
      this.buffer = grown;
      this.offset = at - this.start;
      this.start = 0;
      const moved = this.offset;
      this.offset += length;
      return moved;
    }
    this.offset = needed;
    return at;
  }

  writeBool(value: boolean): void {
    this.writeInt8(value ? 1 : 0);
  }

  writeInt8(value: number): void {
    const at = this.reserve(1);
    this.buffer[at] = value;
  }

  writeInt16(value: number): void {
    const at = this.reserve(2);
    const b = this.buffer;
    b[at] = value >> 8;
    b[at + 1] = value;
  }

  writeUint16(value: number): void {
    this.writeInt16(value);
  }

  writeInt32(value: number): void {
    const at = this.reserve(4);
    const b = this.buffer;
    b[at] = value >> 24;
    b[at + 1] = value >> 16;
    b[at + 2] = value >> 8;
    b[at + 3] = value;
  }

  writeUint32(value: number): void {
    this.writeInt32(value | 0);
  }

  writeInt64(value: number): void {
    if (value >= TWO_63) {
      this.writeInt32(0x7fffffff);
      this.writeInt32(-1);
      return;
    }
    const high = Math.floor(value / TWO_32);
    this.writeInt32(high | 0);
    this.writeInt32((value - high * TWO_32) | 0);
  }

  writeFloat64(value: number): void {
    const at = this.reserve(8);
    this.buffer.writeDoubleBE(value, at);
  }

  writeUuid(value: string): void {
    const at = this.reserve(16);
    if (value === ZERO_UUID) this.buffer.fill(0, at, at + 16);
    else uuidToBytes(value).copy(this.buffer, at);
  }

  writeUnsignedVarint(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.writeInt8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.writeInt8(rest);
  }

  writeVarint(value: number): void {
    this.writeUnsignedVarint((value << 1) ^ (value >> 31));
  }

  writeVarlong(value: number): void {
    if (value >= -0x40000000 && value < 0x40000000) {
      this.writeVarint(value);
      return;
    }
    const signed = BigInt(value);
    let rest = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
    while (rest >= 0x80n) {
      this.writeInt8(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.writeInt8(Number(rest));
  }

  writeString(value: string): void {
    const bytes = isAscii(value) ? value.length : Buffer.byteLength(value);
    assert(bytes <= 0x7fff, 'a string on the wire has at most 32767 bytes');
    this.writeInt16(bytes);
    const at = this.reserve(bytes);
    this.buffer.write(value, at, bytes, 'utf8');
  }

  writeNullableString(value: string | null): void {
    if (value === null) this.writeInt16(-1);
    else this.writeString(value);
  }

  writeCompactString(value: string): void {
    const length = value.length;
    if (length < 0x7f && isAscii(value)) {
      const at = this.reserve(length + 1);
      this.buffer[at] = length + 1;
      for (let i = 0; i < length; i++) this.buffer[at + 1 + i] = value.charCodeAt(i);
      return;
    }
    const bytes = Buffer.byteLength(value);
    assert(bytes <= 0x7fff, 'a string on the wire has at most 32767 bytes');
    this.writeUnsignedVarint(bytes + 1);
    const at = this.reserve(bytes);
    this.buffer.write(value, at, bytes, 'utf8');
  }

  writeCompactNullableString(value: string | null): void {
    if (value === null) this.writeInt8(0);
    else this.writeCompactString(value);
  }

  writeBytes(value: Buffer): void {
    this.writeInt32(value.length);
    this.writeRaw(value);
  }

  writeNullableBytes(value: Buffer | null): void {
    if (value === null) this.writeInt32(-1);
    else this.writeBytes(value);
  }

  writeCompactBytes(value: Buffer): void {
    this.writeUnsignedVarint(value.length + 1);
    this.writeRaw(value);
  }

  writeCompactNullableBytes(value: Buffer | null): void {
    if (value === null) this.writeInt8(0);
    else this.writeCompactBytes(value);
  }

  writeRecords(value: RecordsInit): void {
    if (value === null) return this.writeInt32(-1);
    this.writeInt32(recordsBytes(value));
    this.writeChunks(value);
  }

  writeCompactRecords(value: RecordsInit): void {
    if (value === null) return this.writeInt8(0);
    this.writeUnsignedVarint(recordsBytes(value) + 1);
    this.writeChunks(value);
  }

  private writeChunks(value: Buffer | readonly Buffer[]): void {
    if (Buffer.isBuffer(value)) this.writeByReference(value);
    else for (const chunk of value) this.writeByReference(chunk);
  }

  private writeByReference(value: Buffer): void {
    if (value.length < RECORDS_BY_REFERENCE_BYTES_MIN) return this.writeRaw(value);
    this.closeChunk();
    this.chunks.push(value);
    this.chunkBytes += value.length;
  }

  writeRaw(value: Buffer): void {
    const at = this.reserve(value.length);
    value.copy(this.buffer, at);
  }

  writeArrayLength(count: number): void {
    this.writeInt32(count);
  }

  writeCompactArrayLength(count: number): void {
    this.writeUnsignedVarint(count + 1);
  }

  /** A tagged field: tag, size, and what `field` holds. */
  writeTaggedField(tag: number, field: Writer): void {
    this.writeUnsignedVarint(tag);
    this.writeUnsignedVarint(field.sizeBytes);
    this.writeRaw(field.finish());
  }

  private closeChunk(): void {
    if (this.offset === this.start) return;
    this.chunks.push(this.buffer.subarray(this.start, this.offset));
    this.chunkBytes += this.offset - this.start;
    this.start = this.offset;
  }

  /** All that was written, in pieces; the writer must not be used afterwards. */
  finishChunks(): Buffer[] {
    this.closeChunk();
    return this.chunks;
  }

  /** All that was written in one buffer; copies only when records went in by reference. */
  finish(): Buffer {
    const chunks = this.finishChunks();
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  }

  /** Writes the size of all that follows the first four bytes into them: the frame's length prefix. */
  finishFrame(): Buffer[] {
    const size = this.sizeBytes - 4;
    const chunks = this.finishChunks();
    (chunks[0] as Buffer).writeInt32BE(size, 0);
    return chunks;
  }
}

/** Records to be sent: one buffer, or several that follow each other. */
export type RecordsInit = Buffer | readonly Buffer[] | null;

function recordsBytes(value: Buffer | readonly Buffer[]): number {
  if (Buffer.isBuffer(value)) return value.length;
  let bytes = 0;
  for (const chunk of value) bytes += chunk.length;
  return bytes;
}

function isAscii(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) >= 0x80) return false;
  return true;
}
