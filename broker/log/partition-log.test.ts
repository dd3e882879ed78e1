/** One partition: what is appended is read back, by the cache and from disk, and survives what disks do. */
import { expect, test } from 'vitest';
import { buildBatch, ErrorCode, readRecords } from '../protocol/mod.ts';
import { append, batchOf, endOffsetOf, makeWorld, markerOf, openLog, readAll } from './log-fixture.ts';
import type { PartitionLog } from './partition-log.ts';
import { findMaxTimestamp, findOffsetForTimestamp } from './timestamp-lookup.ts';

test('appended batches get dense offsets and are read back whole', async () => {
  const world = makeWorld();
  const { log } = await openLog(world);
  expect(await append(world, log, batchOf(['a', 'b', 'c']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
  expect(await append(world, log, batchOf(['d']), { leaderEpoch: 3 })).toMatchObject({ baseOffset: 3, lastOffset: 3 });
  expect(log.logEndOffset).toBe(4);
  const bytes = await readAll(log, 1);
  expect(readRecords(bytes).map((record) => String(record.value))).toEqual(['a', 'b', 'c']);
  expect(endOffsetOf(bytes)).toBe(4);
  expect(log.leaderEpochs.entries()).toEqual([
    { epoch: 0, startOffset: 0 },
    { epoch: 3, startOffset: 3 },
  ]);
});

test('nothing is visible or answered before the turn ends', async () => {
  const world = makeWorld();
  const { log } = await openLog(world);
  let answered = false;
  log.appendAsLeader(batchOf(['a']), { leaderEpoch: 0, origin: 'client', produceVersion: 12 }, () => {
    answered = true;
  });
  expect([log.logEndOffset, log.stagedEndOffset, answered]).toEqual([0, 1, false]);
  world.clock.runTurn();
  expect([log.logEndOffset, log.stagedEndOffset, answered]).toEqual([1, 1, true]);
});

test('reads past the cache come from disk, across segments, with the same bytes', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, { segmentBytes: 4000, indexIntervalBytes: 200 }, { cacheBytes: 16 * 1024 });
  for (let i = 0; i < 400; i++) await append(world, log, batchOf([`value-${i}`, 'x'.repeat(i % 97)]));
  expect(log.segments.length).toBeGreaterThan(10);
  for (const maxBytes of [1, 100, 1000, 1 << 20]) {
    const bytes = await readAll(log, 0, maxBytes);
    expect(endOffsetOf(bytes)).toBe(800);
  }
  for (const offset of [0, 1, 399, 555, 799]) {
    const result = await log.read({ offset, maxBytes: 1, upperBoundOffset: 800, minOneBatch: true });
    expect(readRecords(result.chunks[0] as Buffer)[0]?.offset).toBe(offset - (offset % 2));
    result.release();
  }
  const bounded = await log.read({ offset: 0, maxBytes: 1 << 20, upperBoundOffset: 7, minOneBatch: true });
  expect(endOffsetOf(Buffer.concat(bounded.chunks))).toBe(8);
});

test('offsets outside the log are out of range, its end is empty', async () => {
  const world = makeWorld();
  const { log } = await openLog(world);
  await append(world, log, batchOf(['a', 'b']));
  const read = (offset: number) => log.read({ offset, maxBytes: 10, upperBoundOffset: 100, minOneBatch: true });
  expect(await read(2)).toMatchObject({ sizeBytes: 0, isOutOfRange: false });
  expect(await read(3)).toMatchObject({ isOutOfRange: true });
  log.setHighWatermark(2);
  log.deleteRecordsBefore(1);
  expect(await read(0)).toMatchObject({ isOutOfRange: true });
  expect((await read(1)).sizeBytes).toBeGreaterThan(0);
});

test('a clean restart keeps everything and scans nothing', async () => {
  const world = makeWorld();
  const config = { segmentBytes: 3000, indexIntervalBytes: 300 };
  const first = await openLog(world, config);
  for (let i = 0; i < 100; i++) {
    await append(
      world,
      first.log,
      batchOf([`v${i}`, 'pad'.repeat(20)], { producerId: 7, producerEpoch: 0, baseSequence: i * 2 }),
    );
  }
  first.log.setHighWatermark(150);
  const before = await readAll(first.log, 0);
  await first.manager.close({ brokerEpoch: 42 });
  const { manager, log } = await openLog(world, config);
  expect(manager.previousBrokerEpoch).toBe(42);
  expect([log.logEndOffset, log.highWatermark, log.recoveryPoint]).toEqual([200, 150, 200]);
  expect((await readAll(log, 0)).equals(before)).toBe(true);
  const retry = batchOf(['v99', 'pad'.repeat(20)], { producerId: 7, producerEpoch: 0, baseSequence: 198 });
  expect(await append(world, log, retry)).toMatchObject({ errorCode: 0, baseOffset: 198 });
  expect(log.logEndOffset).toBe(200);
});

test('after a kill everything written is there, with indexes and producers', async () => {
  const world = makeWorld();
  const config = { segmentBytes: 3000, indexIntervalBytes: 300 };
  const first = await openLog(world, config);
  for (let i = 0; i < 100; i++) {
    await append(world, first.log, batchOf([`v${i}`], { producerId: 7, producerEpoch: 0, baseSequence: i }));
  }
  const before = await readAll(first.log, 0);
  world.disk.kill();
  const { manager, log } = await openLog(world, config);
  expect(manager.previousBrokerEpoch).toBeUndefined();
  expect((await readAll(log, 0)).equals(before)).toBe(true);
  expect(await append(world, log, batchOf(['x'], { producerId: 7, producerEpoch: 0, baseSequence: 99 }))).toMatchObject(
    {
      baseOffset: 99,
    },
  );
  expect(
    await append(world, log, batchOf(['x'], { producerId: 7, producerEpoch: 0, baseSequence: 102 })),
  ).toMatchObject({
    errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  });
});

test('a torn tail is cut back to the last whole batch', async () => {
  const world = makeWorld();
  const first = await openLog(world);
  await append(world, first.log, batchOf(['a']));
  await append(world, first.log, batchOf(['b']));
  const file = world.disk.open('/data/t-0/00000000000000000000.log', 'write');
  file.truncate(file.sizeBytes() - 3);
  world.disk.kill();
  const { log } = await openLog(world);
  expect(log.logEndOffset).toBe(1);
  expect(await append(world, log, batchOf(['c']))).toMatchObject({ errorCode: 0, baseOffset: 1 });
  expect(endOffsetOf(await readAll(log, 0))).toBe(2);
});

test('a failed write refuses its batches, cuts the file back, and the log goes on', async () => {
  const world = makeWorld();
  const { log } = await openLog(world);
  await append(world, log, batchOf(['a'], { producerId: 5, producerEpoch: 0, baseSequence: 0 }));
  world.disk.inject({ operation: 'write', kind: 'short', path: /\.log$/, times: 1 });
  world.disk.inject({ operation: 'write', kind: 'EIO', path: /\.log$/, times: 1 });
  const lost = batchOf(['b'], { producerId: 5, producerEpoch: 0, baseSequence: 1 });
  expect(await append(world, log, lost)).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
  expect([log.logEndOffset, log.stagedEndOffset]).toEqual([1, 1]);
  expect(await append(world, log, lost)).toMatchObject({ errorCode: 0, baseOffset: 1 });
  expect(endOffsetOf(await readAll(log, 0))).toBe(2);
  world.disk.kill();
  expect((await openLog(world)).log.logEndOffset).toBe(2);
});

test('a full disk refuses writes, serves reads, and takes writes again when there is room', async () => {
  const world = makeWorld();
  const { log } = await openLog(world);
  await append(world, log, batchOf(['a']));
  world.disk.capacityBytes = 0;
  expect(await append(world, log, batchOf(['b']))).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
  expect(endOffsetOf(await readAll(log, 0))).toBe(1);
  world.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  await world.clock.advanceAndSettle(1_500);
  expect(await append(world, log, batchOf(['b']))).toMatchObject({ errorCode: 0, baseOffset: 1 });
});

test('a folder whose file cannot be cut back goes offline', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world);
  world.disk.inject({ operation: 'write', kind: 'short', path: /\.log$/, times: 1 });
  world.disk.inject({ operation: 'write', kind: 'EIO', path: /\.log$/, times: 1 });
  world.disk.inject({ operation: 'truncate', kind: 'EIO', path: /\.log$/ });
  expect(await append(world, log, batchOf(['b']))).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
  expect(manager.describe()[0]?.isOffline).toBe(true);
  expect(await append(world, log, batchOf(['b']))).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
});

test('slow writes move to the thread pool without changing the order', async () => {
  const world = makeWorld();
  const { log } = await openLog(world);
  world.disk.inject({ operation: 'write', kind: 'slow', slowMs: 20, path: /\.log$/, times: 1 });
  const offsets: number[] = [];
  for (let i = 0; i < 20; i++) {
    log.appendAsLeader(batchOf([`${i}`]), { leaderEpoch: 0, origin: 'client', produceVersion: 12 }, (result) =>
      offsets.push(result.baseOffset),
    );
    if (i % 3 === 0) world.clock.runTurn();
  }
  await world.clock.settle();
  expect(offsets).toEqual([...Array(20).keys()]);
  expect(endOffsetOf(await readAll(log, 0))).toBe(20);
});

test('with flush.messages=1 nothing is seen before it is on the disk', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, { flushMessages: 1 });
  let answered = 0;
  for (let i = 0; i < 3; i++) {
    log.appendAsLeader(batchOf(['a']), { leaderEpoch: 0, origin: 'client', produceVersion: 12 }, () => answered++);
  }
  world.clock.runTurn();
  expect([log.logEndOffset, answered]).toEqual([0, 0]);
  await world.clock.settle();
  expect([log.logEndOffset, answered, log.recoveryPoint]).toEqual([3, 3, 3]);
});

test('a retry is answered with the original offset, also while the original is on its way', async () => {
  const world = makeWorld();
  const { log } = await openLog(world);
  const batch = batchOf(['a', 'b'], { producerId: 1, producerEpoch: 0, baseSequence: 0 });
  const offsets: number[] = [];
  for (let i = 0; i < 2; i++) {
    log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client', produceVersion: 12 }, (r) =>
      offsets.push(r.baseOffset),
    );
  }
  await world.clock.settle();
  expect(offsets).toEqual([0, 0]);
  expect(log.logEndOffset).toBe(2);
  expect(await append(world, log, batch)).toMatchObject({ errorCode: 0, baseOffset: 0, lastOffset: 1 });
});

test('the last stable offset waits for transactions, and aborted ones are listed', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world);
  const data = (baseSequence: number) =>
    batchOf(['x'], { producerId: 9, producerEpoch: 0, baseSequence, isTransactional: true });
  await append(world, log, batchOf(['plain']));
  await append(world, log, data(0));
  await append(world, log, data(1));
  log.setHighWatermark(3);
  expect(log.lastStableOffset).toBe(1);
  const marker = markerOf({ producerId: 9, producerEpoch: 0, isCommit: false });
  await append(world, log, marker, { origin: 'coordinator' });
  expect(log.lastStableOffset).toBe(1);
  log.setHighWatermark(4);
  expect(log.lastStableOffset).toBe(4);
  const aborted = { producerId: 9, firstOffset: 1, lastOffset: 3, lastStableOffset: 4 };
  expect(log.abortedTransactions(0, 4)).toMatchObject([aborted]);
  expect(log.abortedTransactions(0, 1)).toEqual([]);
  await manager.close({ brokerEpoch: 1 });
  expect((await openLog(world)).log.abortedTransactions(2, 4)).toMatchObject([aborted]);
});

test('what a leader must refuse is refused with its own error', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, { maxMessageBytes: 500 });
  const good = batchOf(['a']);
  const corrupt = Buffer.from(good);
  corrupt[65] = (corrupt[65] as number) ^ 1;
  expect((await append(world, log, corrupt)).errorCode).toBe(ErrorCode.CORRUPT_MESSAGE);
  const twice = Buffer.concat([good, good]);
  expect((await append(world, log, twice)).errorCode).toBe(ErrorCode.INVALID_RECORD);
  expect((await append(world, log, batchOf(['x'.repeat(600)]))).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
  const moved = buildBatch({ baseOffset: 5, records: [{ timestamp: 1, key: null, value: null }] });
  expect((await append(world, log, moved)).errorCode).toBe(ErrorCode.INVALID_RECORD);
  const marker = markerOf({ producerId: 1, producerEpoch: 0, isCommit: true });
  expect((await append(world, log, marker)).errorCode).toBe(ErrorCode.INVALID_RECORD);
  const early = batchOf(['a'], { timestamp: world.clock.nowMs() + 7_200_000 });
  const refused = await append(world, log, early);
  expect(refused).toMatchObject({ errorCode: ErrorCode.INVALID_TIMESTAMP, recordErrors: [{ batchIndex: 0 }] });
  log.updateConfig({ ...log.config, cleanupCompact: true });
  expect(await append(world, log, good)).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD });
  expect(log.logEndOffset).toBe(0);
});

test('LogAppendTime stamps the batch, compression.type recompresses it', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, { messageTimestampType: 'LogAppendTime', compressionType: 'gzip' });
  const nowMs = world.clock.nowMs();
  const result = await append(world, log, batchOf(['a', 'b'], { timestamp: 5 }));
  expect(result.logAppendTimeMs).toBe(nowMs);
  const records = readRecords(await readAll(log, 0));
  expect(records.map((record) => record.timestamp)).toEqual([nowMs, nowMs]);
});

test('offsets are found by time, and the youngest record is known', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, { segmentBytes: 2000, indexIntervalBytes: 100 });
  for (let i = 0; i < 100; i++) {
    await append(world, log, batchOf([{ timestamp: 1000 + i * 10 }, { timestamp: 1005 + i * 10 }]));
  }
  expect(await findOffsetForTimestamp(log, 1500)).toMatchObject({ offset: 100, timestamp: 1500, leaderEpoch: 0 });
  expect(await findOffsetForTimestamp(log, 1503)).toMatchObject({ offset: 101, timestamp: 1505 });
  expect(await findOffsetForTimestamp(log, 99_999)).toBeUndefined();
  expect(await findMaxTimestamp(log)).toMatchObject({ offset: 199, timestamp: 1995 });
});

test('a follower takes batches as they are, truncates, and starts over', async () => {
  const leaderWorld = makeWorld(1);
  const leader = await openLog(leaderWorld);
  for (let i = 0; i < 10; i++) await append(leaderWorld, leader.log, batchOf([`${i}`, 'b']), { leaderEpoch: i >> 2 });
  const bytes = await readAll(leader.log, 0);
  const world = makeWorld(2);
  const { log } = await openLog(world);
  const take = async (records: Buffer) => {
    const answer = new Promise((resolve) => log.appendAsFollower(records, resolve));
    await world.clock.settle();
    return answer;
  };
  // The last batch arrives cut short: it is left for the next fetch.
  expect(await take(bytes.subarray(0, bytes.length - 5))).toMatchObject({ errorCode: 0, lastOffset: 17 });
  expect((await readAll(log, 0)).equals(bytes.subarray(0, (bytes.length / 10) * 9))).toBe(true);
  log.setHighWatermark(18);
  await log.truncateTo(9);
  expect(log.logEndOffset).toBe(8);
  expect(log.highWatermark).toBe(8);
  expect(log.leaderEpochs.entries()).toEqual([{ epoch: 0, startOffset: 0 }]);
  expect(log.leaderEpochs.endOffsetFor(0, log.logEndOffset)).toEqual({ epoch: 0, endOffset: 8 });
  expect(await take(bytes)).toMatchObject({ errorCode: ErrorCode.CORRUPT_MESSAGE });
  await log.truncateFullyAndStartAt(100);
  expect([log.logStartOffset, log.logEndOffset]).toEqual([100, 100]);
  expect(world.disk.list('/data/t-0').filter((name) => name.endsWith('.log'))).toEqual(['00000000000000000100.log']);
});

test('truncation brings producers back to what they were at the new end', async () => {
  const world = makeWorld();
  const { log } = await openLog(world, { segmentBytes: 500 });
  const data = (i: number) => batchOf([`v${i}`], { producerId: 7, producerEpoch: 0, baseSequence: i });
  for (let i = 0; i < 30; i++) await append(world, log, data(i));
  await log.truncateTo(17);
  expect(log.producers.get(7)?.batches.at(-1)?.lastOffset).toBe(16);
  expect(await append(world, log, data(16))).toMatchObject({ errorCode: 0, baseOffset: 16 });
  expect(await append(world, log, data(17))).toMatchObject({ errorCode: 0, baseOffset: 17 });
  expect(endOffsetOf(await readAll(log, 0))).toBe(18);
});

test('retention removes old segments by time and by size, never past the high watermark', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world, { segmentBytes: 1000, retentionMs: 60_000 });
  const nowMs = world.clock.nowMs();
  for (let i = 0; i < 50; i++) await append(world, log, batchOf(['x'.repeat(100)], { timestamp: nowMs + i }));
  await world.clock.advanceAndSettle(100_000);
  manager.runRetention();
  expect(log.logStartOffset).toBe(0);
  log.setHighWatermark(25);
  manager.runRetention();
  expect(log.logStartOffset).toBeGreaterThan(10);
  expect(log.logStartOffset).toBeLessThanOrEqual(25);
  log.setHighWatermark(50);
  manager.runRetention();
  expect([log.logStartOffset, log.logEndOffset, log.segments.length]).toEqual([50, 50, 1]);
  await world.clock.advanceAndSettle(61_000);
  expect(world.disk.list('/data/t-0').filter((name) => name.endsWith('.deleted'))).toEqual([]);
  log.updateConfig({ ...log.config, retentionMs: -1, retentionBytes: 2000 });
  for (let i = 0; i < 50; i++) await append(world, log, batchOf(['x'.repeat(100)]));
  log.setHighWatermark(100);
  manager.runRetention();
  expect(log.sizeBytes).toBeGreaterThanOrEqual(2000);
  expect(log.sizeBytes).toBeLessThan(3200);
});

test('a deleted partition leaves its name at once and its files after the delay; a stray one is kept', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world);
  await append(world, log, batchOf(['a']));
  await manager.delete('t', 0);
  expect(manager.get('t', 0)).toBeUndefined();
  expect(world.disk.list('/data').some((name) => /^t-0\.[0-9a-f]{32}-delete$/.test(name))).toBe(true);
  await world.clock.advanceAndSettle(61_000);
  expect(world.disk.list('/data').some((name) => name.endsWith('-delete'))).toBe(false);
  await append(world, manager.create('t', 0, TOPIC_ID_2, log.config), batchOf(['b']));
  await manager.markStray('t', 0);
  await world.clock.advanceAndSettle(61_000);
  expect(world.disk.list('/data').some((name) => name.endsWith('-stray'))).toBe(true);
});

const TOPIC_ID_2 = 'bG9nLXRlc3QtdG9waWMtMg';

test('another broker’s folder is refused', async () => {
  const world = makeWorld();
  const { manager } = await openLog(world);
  await manager.close({ brokerEpoch: 1 });
  const file = world.disk.open('/data/meta.properties', 'write');
  const text = Buffer.from('#\nversion=1\ncluster.id=test-cluster\nnode.id=2\n');
  file.truncate(0);
  file.writeSync(text, 0, text.length, 0);
  await expect(openLog(world)).rejects.toMatchObject({ code: 'data.foreign' });
});

test('a log that is let go of in the middle of a write keeps the memory of that write until it is over', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world, {}, { cacheBytes: 16 * 1024 });
  world.disk.inject({ operation: 'write', kind: 'slow', slowMs: 20, path: /t-0\/.*\.log$/, times: 1 });
  await append(world, log, batchOf(['slow']));
  const first = log.logEndOffset;
  const errors: number[] = [];
  const mine = batchOf(['mine'.repeat(2000)]);
  const write = (target: PartitionLog, batch: Buffer) =>
    target.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client', produceVersion: 12 }, ({ errorCode }) =>
      errors.push(errorCode),
    );
  const other = manager.create('other', 0, TOPIC_ID_2, log.config);
  write(log, mine);
  world.clock.runTurn();
  log.abandon();
  // Had the memory been given back, the other partition would now write over what is still to be written.
  write(other, batchOf(['theirs'.repeat(1333)]));
  await world.clock.settle();
  expect(errors).toEqual([ErrorCode.KAFKA_STORAGE_ERROR, 0]);
  const file = world.disk.readFile('/data/t-0/00000000000000000000.log');
  expect(file.subarray(-mine.length).includes('theirs')).toBe(false);
  expect(file.subarray(-mine.length).includes('minemine')).toBe(true);
  expect(first).toBe(1);
});

test('with flush.messages=1 what a kill left unsynced is on the disk before it is shown or acknowledged', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const world = makeWorld(seed);
    const { log } = await openLog(world, { flushMessages: 1 });
    const batch = batchOf(['a'], { producerId: 1, producerEpoch: 0, baseSequence: 0 });
    log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client', produceVersion: 12 }, () => {});
    world.disk.inject({ operation: 'datasync', kind: 'EIO', path: /\.log$/, times: 1 });
    await world.clock.settle();
    world.disk.kill();
    const reopened = (await openLog(world, { flushMessages: 1 })).log;
    expect(await append(world, reopened, batch)).toMatchObject({ errorCode: 0, baseOffset: 0 });
    world.disk.powerLoss(world.random);
    expect((await openLog(world, { flushMessages: 1 })).log.logEndOffset, `seed ${seed}`).toBe(1);
  }
});
