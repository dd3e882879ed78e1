/**
 * Reads Kafka's primitive types from one frame.
 *
 * Every length is checked against what is left of the frame before anything is allocated, so that a frame can never
 * cost more memory than its own size justifies. int64 values are numbers: exact up to 2^53, saturating beyond; rooms
 * check the range of what they keep.
 */
import { BrokerError, uuidFromBytes, ZERO_UUID } from '../std/mod.ts';

const TWO_32 = 4294967296;
/** Names and ids are short: below this length a loop over the bytes beats a call into C++. */
const ASCII_LOOP_BYTES_MAX = 24;

export class Reader {
  readonly buffer: Buffer;
  readonly end: number;
  offset: number;

  constructor(buffer: Buffer, offset = 0, end: number = buffer.length) {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** Throws unless `length` more bytes are there; returns where they start and steps over them. */
  take(length: number): number {
    const start = this.offset;
    if (length < 0 || length > this.end - start) throw malformed(`${length} bytes wanted, ${this.end - start} left`);
    this.offset = start + length;
    return start;
  }

  readBool(): boolean {
    return this.readInt8() !== 0;
  }

  readInt8(): number {
    return ((this.buffer[this.take(1)] as number) << 24) >> 24;
  }

  readInt16(): number {
    const at = this.take(2);
    const b = this.buffer;
    return (((b[at] as number) << 24) | ((b[at + 1] as number) << 16)) >> 16;
  }

  readUint16(): number {
    const at = this.take(2);
    const b = this.buffer;
    return ((b[at] as number) << 8) | (b[at + 1] as number);
  }

  readInt32(): number {
    const at = this.take(4);
    const b = this.buffer;
    return (
      ((b[at] as number) << 24) | ((b[at + 1] as number) << 16) | ((b[at + 2] as number) << 8) | (b[at + 3] as number)
    );
  }

  readUint32(): number {
    return this.readInt32() >>> 0;
  }

  readInt64(): number {
    const high = this.readInt32();
    return high * TWO_32 + this.readUint32();
  }

  readFloat64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  readUuid(): string {
    const at = this.take(16);
    const b = this.buffer;
    let bits = 0;
    for (let i = at; i < at + 16; i++) bits |= b[i] as number;
    return bits === 0 ? ZERO_UUID : uuidFromBytes(b, at);
  }

  readUnsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)] as number;
      value = (value | ((byte & 0x7f) << shift)) >>> 0;
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break;
        return value;
      }
    }
    throw malformed('a varint is longer than 32 bits');
  }

  /** Zigzag, as in records. */
  readVarint(): number {
    const value = this.readUnsignedVarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** Zigzag 64-bit, as in records; exact up to 2^53. */
  readVarlong(): number {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.buffer[this.take(1)] as number;
      if (i < 4) low += (byte & 0x7f) * 2 ** (7 * i);
      else high += (byte & 0x7f) * 2 ** (7 * (i - 4));
      if (byte < 0x80) {
        if (high <= 2 ** 24) {
          const value = high * 2 ** 28 + low;
          return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
        }
        const big = (BigInt(high) << 28n) | BigInt(low);
        return Number(big & 1n ? -((big + 1n) >> 1n) : big >> 1n);
      }
    }
    throw malformed('a varlong is longer than 64 bits');
  }

  readString(): string {
    const length = this.readInt16();
    if (length < 0) throw malformed('null in a string that may not be null');
    return this.readUtf8(length);
  }

  readNullableString(): string | null {
    const length = this.readInt16();
    return length < 0 ? null : this.readUtf8(length);
  }

  readCompactString(): string {
    const length = this.readUnsignedVarint();
    if (length === 0) throw malformed('null in a string that may not be null');
    return this.readUtf8(this.stringLength(length - 1));
  }

  readCompactNullableString(): string | null {
    const length = this.readUnsignedVarint();
    return length === 0 ? null : this.readUtf8(this.stringLength(length - 1));
  }

  private stringLength(length: number): number {
    if (length > 0x7fff) throw malformed(`a string of ${length} bytes is longer than 32767`);
    return length;
  }

  private readUtf8(length: number): string {
    const start = this.take(length);
    const end = start + length;
    const b = this.buffer;
    if (length > ASCII_LOOP_BYTES_MAX) return b.toString('utf8', start, end);
    let text = '';
    for (let i = start; i < end; i++) {
      const byte = b[i] as number;
      if (byte >= 0x80) return b.toString('utf8', start, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** The bytes are copied, for they outlive the frame. */
  readBytes(): Buffer {
    const length = this.readInt32();
    if (length < 0) throw malformed('null in bytes that may not be null');
    return this.copy(length);
  }

  readNullableBytes(): Buffer | null {
    const length = this.readInt32();
    return length < 0 ? null : this.copy(length);
  }

  readCompactBytes(): Buffer {
    const length = this.readUnsignedVarint();
    if (length === 0) throw malformed('null in bytes that may not be null');
    return this.copy(length - 1);
  }

  readCompactNullableBytes(): Buffer | null {
    const length = this.readUnsignedVarint();
    return length === 0 ? null : this.copy(length - 1);
  }

  /** A view into the frame: valid only as long as the frame is. */
  readRecords(): Buffer | null {
    const length = this.readInt32();
    return length < 0 ? null : this.view(length);
  }

  readCompactRecords(): Buffer | null {
    const length = this.readUnsignedVarint();
    return length === 0 ? null : this.view(length - 1);
  }

  view(length: number): Buffer {
    const start = this.take(length);
    return this.buffer.subarray(start, start + length);
  }

  private copy(length: number): Buffer {
    const start = this.take(length);
    return Buffer.from(this.buffer.subarray(start, start + length));
  }

  /** Element count of an array; an element takes at least one byte, so more elements than bytes is a lie. */
  readArrayLength(): number {
    return this.checkCount(this.readInt32());
  }

  readNullableArrayLength(): number {
    const count = this.readInt32();
    return count < 0 ? -1 : this.checkCount(count);
  }

  readCompactArrayLength(): number {
    return this.checkCount(this.readUnsignedVarint() - 1);
  }

  readCompactNullableArrayLength(): number {
    const count = this.readUnsignedVarint() - 1;
    return count < 0 ? -1 : this.checkCount(count);
  }

  private checkCount(count: number): number {
    if (count < 0) throw malformed('null in an array that may not be null');
    if (count > this.end - this.offset) throw malformed(`an array of ${count} elements in ${this.remaining} bytes`);
    return count;
  }

  /** Steps over the tagged fields of a struct that knows none. */
  skipTaggedFields(): void {
    const count = this.readUnsignedVarint();
    for (let i = 0; i < count; i++) {
      this.readUnsignedVarint();
      this.take(this.readUnsignedVarint());
    }
  }

  /** A codec calls it after a tagged field, to see that the field had the size that was announced. */
  checkTaggedFieldEnd(expected: number, tag: number): void {
    if (this.offset !== expected) throw malformed(`tagged field ${tag} does not have the size it announces`);
  }
}

export function malformed(sentence: string): BrokerError {
  return new BrokerError('protocol.malformed', sentence);
}
