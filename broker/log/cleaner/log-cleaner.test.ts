/**
 * Compaction: what a reader of the latest values sees does not change, however much goes, and whenever it is cut short.
 */
import { expect, test } from 'vitest';
import { BATCH_HEADER_BYTES, batchRecordCount, batchSizeBytes, readRecords } from '../../protocol/mod.ts';
import { SeededRandom } from '../../std/sim/prng.ts';
import { append, batchOf, makeWorld, markerOf, openLog, readAll, type World } from '../log-fixture.ts';
import type { PartitionLog } from '../partition-log.ts';

const CONFIG = {
  cleanupCompact: true,
  cleanupDelete: false,
  segmentBytes: 1200,
  indexIntervalBytes: 100,
  minCleanableDirtyRatio: 0,
  deleteRetentionMs: 10_000,
};

interface Seen {
  readonly latest: Map<string, string | null>;
  readonly offsets: number[];
}

/** What a reader of committed data makes of the log. */
async function readCommitted(log: PartitionLog): Promise<Seen> {
  const bytes = await readAll(log, log.logStartOffset, 4096);
  const aborted = log.abortedTransactions(0, log.logEndOffset);
  const latest = new Map<string, string | null>();
  const offsets: number[] = [];
  for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
    const batch = bytes.subarray(at, at + batchSizeBytes(bytes, at));
    expect(batch.length).toBeGreaterThanOrEqual(BATCH_HEADER_BYTES);
    const producerId = Number(batch.readBigInt64BE(43));
    for (const record of batchRecordCount(batch, 0) > 0 ? readRecords(batch) : []) {
      offsets.push(record.offset);
      const isControl = ((batch[22] as number) & 0x20) !== 0;
      const isAborted = aborted.some(
        (each) =>
          each.producerId === producerId && each.firstOffset <= record.offset && record.offset <= each.lastOffset,
      );
      if (isControl || (isAborted && ((batch[22] as number) & 0x10) !== 0)) continue;
      latest.set(String(record.key), record.value === null ? null : String(record.value));
    }
  }
  return { latest, offsets };
}

function live(seen: Seen): Map<string, string | null> {
  return new Map([...seen.latest].filter(([, value]) => value !== null).sort());
}

async function fill(world: World, log: PartitionLog, random: SeededRandom, count: number): Promise<void> {
  let sequence = 0;
  for (let i = 0; i < count; i++) {
    const records = Array.from({ length: 1 + random.below(3) }, () => ({
      key: Buffer.from(`k${random.below(12)}`),
      value: random.chance(0.2) ? null : Buffer.from(`value-${random.uint32()}`),
    }));
    const isTransactional = random.chance(0.3);
    const compression = random.pick([0, 0, 1, 4]);
    if (!isTransactional) {
      await append(world, log, batchOf(records, { compression }));
      continue;
    }
    const ids = { producerId: 50, producerEpoch: 0 };
    await append(world, log, batchOf(records, { ...ids, baseSequence: sequence, isTransactional, compression }));
    sequence += records.length;
    await append(world, log, markerOf({ ...ids, isCommit: random.chance(0.5) }), { origin: 'coordinator' });
  }
  log.setHighWatermark(log.logEndOffset);
  await log.flush();
}

test('cleaning keeps the latest value of every key and shrinks the log', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const world = makeWorld(seed);
    const { manager, log } = await openLog(world, CONFIG);
    const random = new SeededRandom(seed);
    await fill(world, log, random, 60);
    const before = await readCommitted(log);
    const sizeBefore = log.sizeBytes;
    expect(await manager.runCleaner()).toBe(true);
    const after = await readCommitted(log);
    expect(live(after), `seed ${seed}`).toEqual(live(before));
    expect(log.sizeBytes).toBeLessThan(sizeBefore);
    expect(after.offsets.every((offset) => before.offsets.includes(offset))).toBe(true);
    // A second round after the horizon takes tombstones and needless markers as well.
    await world.clock.advanceAndSettle(20_000);
    await fill(world, log, random, 20);
    const middle = await readCommitted(log);
    await manager.runCleaner();
    const last = await readCommitted(log);
    expect(live(last), `seed ${seed}`).toEqual(live(middle));
    await world.clock.advanceAndSettle(70_000);
    await manager.close({ brokerEpoch: 1 });
    const reopened = (await openLog(world, CONFIG)).log;
    expect(await readCommitted(reopened), `seed ${seed}`).toEqual(last);
    expect(world.disk.list('/data/t-0').filter((name) => /cleaned|swap|deleted/.test(name))).toEqual([]);
  }
});

test('tombstones go after the delete horizon, not before', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world, CONFIG);
  const put = (key: string, value: string | null) =>
    append(world, log, batchOf([{ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) }]));
  const settle = async () => {
    for (let i = 0; i < 20; i++) await put('filler', 'x'.repeat(80));
    log.setHighWatermark(log.logEndOffset);
    await log.flush();
    await manager.runCleaner();
  };
  await put('a', '1');
  await put('a', null);
  await settle();
  expect((await readCommitted(log)).latest.get('a')).toBeNull();
  await settle();
  expect((await readCommitted(log)).latest.get('a')).toBeNull();
  await world.clock.advanceAndSettle(11_000);
  await settle();
  expect((await readCommitted(log)).latest.has('a')).toBe(false);
});

test('a crash anywhere in a cleaning loses nothing', { timeout: 120_000 }, async () => {
  let crashes = 0;
  for (let seed = 1; seed <= 12; seed++) {
    for (let cut = 0; cut < 400; cut += 3) {
      const world = makeWorld(seed);
      const random = new SeededRandom(seed);
      const { manager, log } = await openLog(world, CONFIG);
      await fill(world, log, random, 25);
      const before = live(await readCommitted(log));
      const crashAt = world.disk.changes + cut + (seed % 3);
      world.disk.beforeChange = (change) => {
        if (change >= crashAt) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      };
      await manager.runCleaner().catch(() => {});
      const hasCrashed = world.disk.changes >= crashAt;
      world.disk.beforeChange = undefined;
      if (!hasCrashed) break;
      crashes += 1;
      if (random.chance(0.5)) world.disk.kill();
      else world.disk.powerLoss(new SeededRandom(seed * 1000 + cut));
      const reopened = await openLog(world, CONFIG);
      expect(live(await readCommitted(reopened.log)), `seed ${seed}, cut ${cut}`).toEqual(before);
    }
  }
  expect(crashes).toBeGreaterThan(100);
});

test('keys that do not fit into the map are cleaned in several passes, to the same end', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = makeWorld(seed);
    // Room for nine keys, of twelve: a pass stops in the middle of the log.
    const { manager, log } = await openLog(world, CONFIG, { cleanerDedupeBufferBytes: 240 });
    await fill(world, log, new SeededRandom(seed), 60);
    const before = live(await readCommitted(log));
    let passes = 0;
    while (await manager.runCleaner()) passes++;
    expect(passes).toBeGreaterThan(1);
    expect(manager.uncleanable()).toEqual([]);
    expect(live(await readCommitted(log)), `seed ${seed}`).toEqual(before);
  }
});

test('a batch with more keys than the map takes sets the log aside, and the cleaner goes on', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world, CONFIG, { cleanerDedupeBufferBytes: 72 });
  const keys = Array.from({ length: 5 }, (_, i) => ({ key: Buffer.from(`k${i}`), value: Buffer.from('v') }));
  for (let i = 0; i < 20; i++) await append(world, log, batchOf(keys));
  log.setHighWatermark(log.logEndOffset);
  await log.flush();
  const before = live(await readCommitted(log));
  expect(await manager.runCleaner()).toBe(true);
  expect(await manager.runCleaner()).toBe(false);
  expect(manager.uncleanable()).toEqual([log]);
  expect(live(await readCommitted(log))).toEqual(before);
  expect(world.disk.list('/data/t-0').filter((name) => /cleaned|swap/.test(name))).toEqual([]);
});

test('the cleaner tells how dirty the logs are, how late it is, and what it did', async () => {
  const world = makeWorld();
  const config = { ...CONFIG, minCleanableDirtyRatio: 0.99, maxCompactionLagMs: 60_000 };
  const { manager, log } = await openLog(world, config);
  const put = () =>
    append(
      world,
      log,
      batchOf([{ key: Buffer.from('k'), value: Buffer.from('x'.repeat(90)) }], { timestamp: world.clock.nowMs() }),
    );
  for (let i = 0; i < 20; i++) await put();
  log.setHighWatermark(log.logEndOffset);
  await log.flush();
  expect(manager.cleanerStatus).toMatchObject({ maxDirtyRatio: 0, maxOverdueMs: 0 });
  await world.clock.advanceAndSettle(61_000);
  expect(await manager.runCleaner()).toBe(true);
  expect(manager.cleanerStatus).toMatchObject({ maxDirtyRatio: 1, maxOverdueMs: 1_000, lastRunMs: 61_000 });
  expect(manager.cleanerStatus.bytesWritten).toBeLessThan(manager.cleanerStatus.bytesRead);
  expect(manager.cleanerStatus.mapUtilization).toBeGreaterThan(0);
});

test('a log that is deleted while it is cleaned leaves nothing against the next of its name', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world, CONFIG);
  await fill(world, log, new SeededRandom(1), 40);
  const cleaning = manager.runCleaner();
  await manager.delete('t', 0);
  await cleaning;
  const next = manager.create('t', 0, 'bG9nLXRlc3QtdG9waWMtMg', log.config);
  await fill(world, next, new SeededRandom(2), 40);
  const sizeBefore = next.sizeBytes;
  expect(await manager.runCleaner()).toBe(true);
  expect(manager.uncleanable()).toEqual([]);
  expect(next.sizeBytes).toBeLessThan(sizeBefore);
});
