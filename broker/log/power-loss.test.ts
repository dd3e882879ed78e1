/**
 * Crashes at random points of a random history. After a kill nothing that was answered may be missing; after power loss
 * nothing that was flushed may be, and what remains must be a prefix of what was written, with working indexes.
 * `LOG_CRASH_POINTS` sets the number of histories.
 */
import { expect, test } from 'vitest';
import { batchPartitionLeaderEpoch, batchSizeBytes } from '../protocol/mod.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { append, batchOf, endOffsetOf, makeWorld, openLog, readAll, type World } from './log-fixture.ts';
import type { AppendResult, PartitionLog } from './partition-log.ts';

const CRASH_POINTS = Number(process.env.LOG_CRASH_POINTS ?? 300);
const CONFIG = { segmentBytes: 1500, indexIntervalBytes: 150 };
/** Only the end of it is read after a clean stop. */
const ONE_SEGMENT = { segmentBytes: 100_000, indexIntervalBytes: 150 };
const BATCHES_PER_EPOCH = 12;
const EPOCH_FILE = '/data/t-0/leader-epoch-checkpoint';

async function crashOnce(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const world = makeWorld(seed);
  const flushMessages = random.chance(0.5) ? 1 : Number.POSITIVE_INFINITY;
  const config = { ...CONFIG, flushMessages };
  let { log } = await openLog(world, config);
  for (let life = 0; life < 3; life++) {
    // What a reader saw grows with every answer; it is the reference for what comes back.
    let answeredEnd = log.logEndOffset;
    let durableEnd = log.recoveryPoint;
    let sequence = log.producers.get(1)?.batches.at(-1)?.lastSequence ?? -1;
    const crashAt = world.disk.changes + 1 + random.below(60);
    world.disk.beforeChange = (change) => {
      if (change >= crashAt) throw Object.assign(new Error('EIO: the world stopped'), { code: 'EIO' });
    };
    const done = (result: AppendResult): void => {
      if (result.errorCode !== 0) return;
      answeredEnd = Math.max(answeredEnd, result.lastOffset + 1);
      if (flushMessages === 1) durableEnd = Math.max(durableEnd, result.lastOffset + 1);
    };
    const isRunning = () => world.disk.changes < crashAt;
    for (let step = 0; step < 200 && isRunning(); step++) {
      const values = Array.from({ length: 1 + random.below(3) }, () => 'v'.repeat(random.below(120)));
      const batch = batchOf(values, { producerId: 1, producerEpoch: 0, baseSequence: sequence + 1 });
      sequence += values.length;
      log.appendAsLeader(batch, { leaderEpoch: life, origin: 'client', produceVersion: 12 }, done);
      if (random.chance(0.4)) await world.clock.settle();
      if (random.chance(0.05)) await log.flush().catch(() => {});
      if (isRunning()) durableEnd = Math.max(durableEnd, log.recoveryPoint);
    }
    await world.clock.settle();
    world.disk.beforeChange = undefined;
    const answered = await readAll(log, 0).catch(() => undefined);
    const isPowerLoss = random.chance(0.6);
    if (isPowerLoss) world.disk.powerLoss(random);
    else world.disk.kill();

    const reopened = (await openLog(world, config)).log;
    const context = `seed ${seed}, life ${life}, ${isPowerLoss ? 'power loss' : 'kill'}, flush ${flushMessages}`;
    const mustReach = isPowerLoss ? durableEnd : answeredEnd;
    expect(reopened.logEndOffset, context).toBeGreaterThanOrEqual(mustReach);
    const after = await readAll(reopened, 0);
    expect(endOffsetOf(after), context).toBe(reopened.logEndOffset);
    if (answered !== undefined) {
      const shared = Math.min(answered.length, after.length);
      expect(after.subarray(0, shared).equals(answered.subarray(0, shared)), context).toBe(true);
    }
    // Every batch is found by its own offset through the rebuilt indexes.
    for (let at = 0; at < after.length; at += batchSizeBytes(after, at)) {
      const offset = Number(after.readBigInt64BE(at));
      const found = await reopened.read({ offset, maxBytes: 1, upperBoundOffset: offset + 1, minOneBatch: true });
      expect(Number(found.chunks[0]?.readBigInt64BE(0)), context).toBe(offset);
      found.release();
      expect(reopened.leaderEpochs.epochOf(offset), context).toBe(batchPartitionLeaderEpoch(after, at));
    }
    const producer = reopened.producers.get(1)?.batches.at(-1);
    expect(producer?.lastOffset ?? -1, context).toBe(reopened.logEndOffset - 1);
    log = reopened;
  }
}

test(`${CRASH_POINTS} random crashes lose nothing that was promised`, { timeout: 3_600_000 }, async () => {
  for (let seed = 1; seed <= CRASH_POINTS; seed++) await crashOnce(seed);
});

/** Twelve batches under each leader epoch; flushed after the first, and stopped cleanly after the last. */
async function stopCleanly(world: World, epochCount: number): Promise<void> {
  const { manager, log } = await openLog(world, ONE_SEGMENT);
  for (let leaderEpoch = 0; leaderEpoch < epochCount; leaderEpoch++) {
    for (let at = 0; at < BATCHES_PER_EPOCH; at++) {
      await append(world, log, batchOf(['v'.repeat(100)]), { leaderEpoch });
    }
    if (leaderEpoch === 0) await log.flush();
  }
  await manager.close({ brokerEpoch: 1 });
}

const startsOf = (log: PartitionLog): number[] => log.leaderEpochs.entries().map(({ startOffset }) => startOffset);

test('a clean stop before a power loss keeps where every leader epoch began', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const world = makeWorld(seed);
    await stopCleanly(world, 2);
    world.disk.powerLoss(world.random);
    const { log } = await openLog(world, ONE_SEGMENT);
    expect(startsOf(log), `seed ${seed}`).toEqual([0, BATCHES_PER_EPOCH]);
  }
});

test.each([
  ['unreadable', Buffer.from('?\n3\n')],
  ['missing', undefined],
  ['from before the last epoch', Buffer.from('0\n2\n0 0\n1 12\n')],
])('leader epochs that are %s are found in the log again', async (_, content) => {
  const world = makeWorld(3);
  await stopCleanly(world, 3);
  world.disk.removeFile(EPOCH_FILE);
  if (content !== undefined) {
    const file = world.disk.open(EPOCH_FILE, 'create');
    file.writeSync(content, 0, content.length, 0);
    file.close();
  }
  const { log } = await openLog(world, ONE_SEGMENT);
  expect(startsOf(log)).toEqual([0, BATCHES_PER_EPOCH, 2 * BATCHES_PER_EPOCH]);
});

test('what was cut off does not come back in front of what was written in its place', async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const world = makeWorld(seed);
    const { log } = await openLog(world, ONE_SEGMENT);
    // All are of one size, so that any mixture of old and new is a chain of whole batches.
    const value = (letter: string): Buffer => batchOf([letter.repeat(3000)]);
    for (let at = 0; at < 3; at++) await append(world, log, value('a'), { leaderEpoch: 1 });
    for (let at = 0; at < 2; at++) await append(world, log, value('b'), { leaderEpoch: 1 });
    await log.flush();
    await log.truncateTo(3);
    for (let at = 0; at < 4; at++) await append(world, log, value('c'), { leaderEpoch: 2 });
    world.disk.powerLoss(world.random);
    const again = (await openLog(world, ONE_SEGMENT)).log;
    const bytes = await readAll(again, 0);
    for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
      const offset = Number(bytes.readBigInt64BE(at));
      expect(batchPartitionLeaderEpoch(bytes, at), `seed ${seed}, offset ${offset}`).toBe(offset < 3 ? 1 : 2);
    }
  }
});
