/**
 * Crashes at random points of a random history. After a kill nothing that was answered may be missing; after power loss
 * nothing that was flushed may be, and what remains must be a prefix of what was written, with working indexes.
 * `LOG_CRASH_POINTS` sets the number of histories.
 */
import { expect, test } from 'vitest';
import { batchSizeBytes } from '../protocol/mod.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { batchOf, endOffsetOf, makeWorld, openLog, readAll } from './log-fixture.ts';
import type { AppendResult } from './partition-log.ts';

const CRASH_POINTS = Number(process.env.LOG_CRASH_POINTS ?? 300);
const CONFIG = { segmentBytes: 1500, indexIntervalBytes: 150 };

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
    }
    const producer = reopened.producers.get(1)?.batches.at(-1);
    expect(producer?.lastOffset ?? -1, context).toBe(reopened.logEndOffset - 1);
    log = reopened;
  }
}

test(`${CRASH_POINTS} random crashes lose nothing that was promised`, { timeout: 3_600_000 }, async () => {
  for (let seed = 1; seed <= CRASH_POINTS; seed++) await crashOnce(seed);
});
