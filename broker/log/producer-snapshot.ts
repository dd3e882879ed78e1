/**
 * Producer state as a file, `<offset>.snapshot`: the state after every batch below that offset. Kafka's version 1 with
 * its CRC-32C. Of the last batches only the newest is kept; a retry of an older one across a restart is out of order.
 */
import { crc32c } from '../protocol/mod.ts';
import { BrokerError, type Disk } from '../std/mod.ts';
import { readInt64, writeInt64 } from './int64.ts';
import type { ProducerEntry } from './producer-state.ts';

const VERSION = 1;
const ENTRIES_AT = 6;
const ENTRY_BYTES = 46;

export function encodeProducerSnapshot(entries: readonly Readonly<ProducerEntry>[]): Buffer {
  const bytes = Buffer.alloc(ENTRIES_AT + 4 + entries.length * ENTRY_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(entries.length, ENTRIES_AT);
  let at = ENTRIES_AT + 4;
  for (const entry of entries) {
    const last = entry.batches.at(-1);
    writeInt64(bytes, entry.producerId, at);
    bytes.writeInt16BE(entry.producerEpoch, at + 8);
    bytes.writeInt32BE(last?.lastSequence ?? -1, at + 10);
    writeInt64(bytes, last?.lastOffset ?? -1, at + 14);
    bytes.writeInt32BE(last?.offsetDelta ?? 0, at + 22);
    writeInt64(bytes, entry.lastTimestamp, at + 26);
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34);
    writeInt64(bytes, entry.transactionFirstOffset, at + 38);
    at += ENTRY_BYTES;
  }
  bytes.writeUInt32BE(crc32c(bytes, ENTRIES_AT, bytes.length) >>> 0, 2);
  return bytes;
}

/** Throws `log.corrupt`: whoever reads falls back to an older snapshot. */
export function decodeProducerSnapshot(bytes: Buffer): ProducerEntry[] {
  const corrupt = (why: string) => new BrokerError('log.corrupt', `a producer snapshot ${why}`);
  if (bytes.length < ENTRIES_AT + 4 || bytes.readInt16BE(0) !== VERSION) throw corrupt('is not of version 1');
  if (bytes.readUInt32BE(2) !== crc32c(bytes, ENTRIES_AT, bytes.length) >>> 0) throw corrupt('fails its checksum');
  const count = bytes.readInt32BE(ENTRIES_AT);
  if (count < 0 || bytes.length !== ENTRIES_AT + 4 + count * ENTRY_BYTES) throw corrupt('has the wrong size');
  const entries: ProducerEntry[] = [];
  for (let at = ENTRIES_AT + 4; at < bytes.length; at += ENTRY_BYTES) {
    const lastSequence = bytes.readInt32BE(at + 10);
    const lastOffset = readInt64(bytes, at + 14);
    const timestamp = readInt64(bytes, at + 26);
    const last = { lastSequence, lastOffset, offsetDelta: bytes.readInt32BE(at + 22), timestamp };
    entries.push({
      producerId: readInt64(bytes, at),
      producerEpoch: bytes.readInt16BE(at + 8),
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      lastTimestamp: timestamp,
      transactionFirstOffset: readInt64(bytes, at + 38),
      batches: lastOffset >= 0 ? [last] : [],
    });
  }
  return entries;
}

/** Written, not synced: a flush sees to that. */
export function writeProducerSnapshot(disk: Disk, path: string, entries: readonly Readonly<ProducerEntry>[]): void {
  const bytes = encodeProducerSnapshot(entries);
  const file = disk.open(path, 'create');
  try {
    for (let at = 0; at < bytes.length; ) at += file.writeSync(bytes, at, bytes.length - at, at);
    file.truncate(bytes.length);
  } finally {
    file.close();
  }
}
