/**
 * The wire: primitives, record batches, compression, error codes, and the codecs generated from `messages/`.
 *
 * In go bytes, out come plain objects, and the other way round. It knows no topic, no partition, no connection: what a
 * message means is for others to know. Generated codecs are imported one by one from `generated/`, so that a process
 * loads only those it uses.
 */

export * from './api-keys.ts';
export * from './compression.ts';
export { chosenCrc32c, crc32c } from './crc32c.ts';
export * from './error-codes.ts';
export { malformed, Reader } from './reader.ts';
export * from './record-batch.ts';
export * from './records.ts';
export { type RecordsInit, Writer } from './writer.ts';
