/**
 * Kafka's 128-bit ids. In memory they are 22 characters of URL-safe base64, as Kafka prints them, because they are map
 * keys far more often than they are bytes; the zero id is `ZERO_UUID`.
 */
import type { Random } from './runtime.ts';

export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** Reserved by Kafka for the metadata topic (KIP-516), never given out. */
const ONE_UUID = 'AAAAAAAAAAAAAAAAAAAAAQ';

export function uuidFromBytes(buffer: Buffer, offset: number): string {
  return buffer.toString('base64url', offset, offset + 16);
}

/** Sixteen bytes; throws when the text is not a 22-character base64url id. */
export function uuidToBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid, 'base64url');
  if (bytes.length !== 16) throw new TypeError(`not a Kafka UUID: ${uuid}`);
  return bytes;
}

/** A version 4 UUID that does not start with '-', so that it can stand as a command-line argument. */
export function randomUuid(random: Random): string {
  for (;;) {
    const bytes = random.bytes(16);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const uuid = uuidFromBytes(bytes, 0);
    if (uuid !== ZERO_UUID && uuid !== ONE_UUID && !uuid.startsWith('-')) return uuid;
  }
}
