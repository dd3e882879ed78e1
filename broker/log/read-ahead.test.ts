/** What is read ahead is what would have been read: never more memory than allowed, never bytes that are void. */
import { expect, test } from 'vitest';
import { batchLastOffset, batchSizeBytes } from '../protocol/mod.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { append, batchOf, endOffsetOf, makeWorld, openLog, TOPIC_ID, type World } from './log-fixture.ts';
import type { PartitionLog } from './partition-log.ts';
import { READ_AHEAD_BYTES_MAX, ReadAhead } from './read-ahead.ts';
import { ReadBuffers } from './read-buffers.ts';
import type { ReadResult } from './read-result.ts';
import { Segment } from './segment.ts';

const SMALL_CACHE = { cacheBytes: 16 * 1024 };

function read(log: PartitionLog, offset: number, maxBytes = 4_000): ReadResult | Promise<ReadResult> {
  return log.read({ offset, maxBytes, upperBoundOffset: Number.MAX_SAFE_INTEGER, minOneBatch: true });
}

/** Reads of the disk while `act` runs. */
async function countReads(world: World, act: () => Promise<void>): Promise<number> {
  let reads = 0;
  const stop = world.disk.inject({
    operation: 'read',
    kind: 'slow',
    get slowMs() {
      reads += 1;
      return 0;
    },
  });
  await act();
  stop();
  return reads;
}

test('a reader that goes on where it left off finds its bytes and does not wait', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, {}, SMALL_CACHE);
  for (let i = 0; i < 200; i++) await append(world, log, batchOf(['x'.repeat(900)]));
  const first = await read(log, 0);
  let offset = endOffsetOf(first.chunks[0] as Buffer);
  first.release();
  let direct = 0;
  while (offset < 150) {
    await world.clock.settle();
    const result = read(log, offset);
    if (!(result instanceof Promise)) direct += 1;
    const { chunks, release } = await result;
    expect(Number((chunks[0] as Buffer).readBigInt64BE(0))).toBe(offset);
    offset = endOffsetOf(chunks[0] as Buffer);
    release();
  }
  expect(direct).toBeGreaterThan(30);
});

test('large batches are read once, not once more from the batch before', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, {}, SMALL_CACHE);
  for (let i = 0; i < 40; i++) await append(world, log, batchOf(['x'.repeat(900_000)]));
  const reads = await countReads(world, async () => {
    for (let offset = 0; offset < 30; offset++) {
      const { chunks, release } = await read(log, offset, 1_048_576);
      expect(batchLastOffset(chunks[0] as Buffer, 0)).toBe(offset);
      release();
    }
  });
  expect(reads).toBeLessThanOrEqual(32);
});

test('what is read ahead is bounded, and readers that are many do not push each other out', async () => {
  const world = makeWorld();
  const ahead = new ReadAhead(new ReadBuffers(), world.clock);
  world.disk.makeFolder('/data');
  const segment = Segment.create({ disk: world.disk, folder: '/data', baseOffset: 0, nowMs: 0 });
  const mebibyte = 1024 * 1024;
  for (let offset = 0; offset < 1_000; offset++) {
    ahead.expect(segment, offset, 0, mebibyte);
    if (offset === 20) await world.clock.settle();
  }
  await world.clock.settle();
  expect(ahead.usedBytes).toBe(READ_AHEAD_BYTES_MAX);
  expect(ahead.size).toBe(512);
  expect(ahead.find(segment, 0)?.window).toBeDefined();
  expect(ahead.find(segment, 511)?.window).toBeUndefined();
  await world.clock.advanceAndSettle(1_500);
  // Nobody came for them: their memory goes to those who come now.
  ahead.expect(segment, 5_000, 0, mebibyte);
  expect(ahead.find(segment, 5_000)?.window).toBeDefined();
  expect(ahead.usedBytes).toBeLessThanOrEqual(READ_AHEAD_BYTES_MAX);
});

test('two readers who come for the same bytes at once do not share one buffer', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, {}, SMALL_CACHE);
  for (let i = 0; i < 60; i++) await append(world, log, batchOf([`${i} `.padEnd(900)]));
  const first = await read(log, 0);
  const next = endOffsetOf(first.chunks[0] as Buffer);
  const [one, two] = await Promise.all([read(log, next), read(log, next)]);
  const [left, right] = [one.chunks[0] as Buffer, two.chunks[0] as Buffer];
  expect(Number(left.readBigInt64BE(0))).toBe(next);
  expect(left.equals(right)).toBe(true);
  left.fill(0);
  expect(Number(right.readBigInt64BE(0))).toBe(next);
});

test('what was read ahead before a truncation is not served after it', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, {}, SMALL_CACHE);
  for (let i = 0; i < 60; i++) await append(world, log, batchOf([`old ${i}`.padEnd(900)]));
  const first = await read(log, 0);
  const next = endOffsetOf(first.chunks[0] as Buffer);
  first.release();
  await world.clock.settle();
  await log.truncateTo(next);
  for (let i = 0; i < 60; i++) await append(world, log, batchOf([`new ${i}`.padEnd(900)]));
  const second = await read(log, next);
  expect((second.chunks[0] as Buffer).includes('new 0')).toBe(true);
  expect((second.chunks[0] as Buffer).includes('old')).toBe(false);
});

test('a read ahead that fails is the trouble of whoever comes for it', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, {}, SMALL_CACHE);
  for (let i = 0; i < 60; i++) await append(world, log, batchOf(['x'.repeat(900)]));
  world.disk.inject({ operation: 'read', kind: 'EIO', path: /\.log$/, skip: 1, times: 2 });
  const first = await read(log, 0);
  const next = endOffsetOf(first.chunks[0] as Buffer);
  await world.clock.settle();
  await expect(Promise.resolve(read(log, next))).rejects.toMatchObject({ code: 'EIO' });
  expect(endOffsetOf((await read(log, next)).chunks[0] as Buffer)).toBeGreaterThan(next);
});

test('readers among appends, truncations, retention and cleaning see what is in the log, in order', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new SeededRandom(seed);
    const world = makeWorld(seed);
    const config = { segmentBytes: 6_000, indexIntervalBytes: 400, minCleanableDirtyRatio: 0, fileDeleteDelayMs: 100 };
    const compacted = { cleanupCompact: true, cleanupDelete: true, retentionBytes: 40_000 };
    const { manager, log } = await openLog(world, { ...config, ...compacted }, SMALL_CACHE);
    await manager.create('other', 0, TOPIC_ID, log.config);
    /** The newest value at each offset, as appended. */
    const model = new Map<number, string>();
    const readers = Array.from({ length: 4 }, () => ({ offset: 0 }));
    const pending: Promise<void>[] = [];
    for (let step = 0; step < 250; step++) {
      const choice = random.below(20);
      if (choice < 9) {
        const value = `${seed}/${step} `.padEnd(50 + random.below(600), '.');
        const { baseOffset } = await append(
          world,
          log,
          batchOf([{ key: Buffer.from(`k${random.below(30)}`), value: Buffer.from(value) }]),
        );
        model.set(baseOffset, value);
        log.setHighWatermark(log.logEndOffset);
      } else if (choice < 17) {
        const reader = random.pick(readers);
        pending.push(check(log, reader, model, 500 + random.below(4_000), `seed ${seed}, step ${step}`));
        if (random.chance(0.5)) await Promise.all(pending.splice(0));
      } else if (choice === 17) {
        await Promise.all(pending.splice(0));
        const to = Math.max(log.logStartOffset, log.logEndOffset - random.below(12));
        await log.truncateTo(to);
        for (const offset of model.keys()) if (offset >= log.logEndOffset) model.delete(offset);
        for (const reader of readers) reader.offset = Math.min(reader.offset, log.logEndOffset);
      } else if (choice === 18) manager.runRetention();
      else {
        await log.flush();
        await manager.runCleaner();
      }
      if (random.chance(0.1)) await world.clock.advanceAndSettle(random.below(1_500));
    }
    await Promise.all(pending);
    await manager.close({ brokerEpoch: 1 });
  }
});

async function check(
  log: PartitionLog,
  reader: { offset: number },
  model: ReadonlyMap<number, string>,
  maxBytes: number,
  context: string,
): Promise<void> {
  const from = reader.offset;
  const result = await read(log, from, maxBytes);
  if (result.isOutOfRange) reader.offset = log.logStartOffset;
  let next = from;
  for (const chunk of result.chunks) {
    for (let at = 0; at < chunk.length; at += batchSizeBytes(chunk, at)) {
      const base = Number(chunk.readBigInt64BE(at));
      expect(batchLastOffset(chunk, at), context).toBeGreaterThanOrEqual(next);
      const bytes = chunk.subarray(at, at + batchSizeBytes(chunk, at));
      if (chunk.readInt32BE(at + 57) > 0) expect(bytes.includes(model.get(base) ?? '?'), context).toBe(true);
      next = batchLastOffset(chunk, at) + 1;
    }
  }
  result.release();
  if (!result.isOutOfRange) reader.offset = Math.max(reader.offset, next);
}
