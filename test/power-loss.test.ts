/**
 * A whole broker under simulation loses power, or is killed, again and again in the middle of what clients do. It
 * always comes back, and what it acknowledged is there: after a kill whatever was acknowledged, after a power loss
 * what a topic in flush mode acknowledged. Each history is drawn from a seed, which a failure prints.
 */
import { expect, test } from 'vitest';
import type { KafkaConnection } from '../broker/protocol/connection/mod.ts';
import { buildBatch, ErrorCode } from '../broker/protocol/mod.ts';
import * as calls from './support/calls.ts';
import { SimBroker } from './support/sim-broker.ts';

const POINTS = Number(process.env.OTTLA_POWER_LOSSES ?? 120);
const FIRST_SEED = Number(process.env.OTTLA_SEED ?? 1);
const CRASHES_PER_SEED = 4;

interface Topic {
  readonly name: string;
  readonly survivesPowerLoss: boolean;
  readonly configs: Readonly<Record<string, string>>;
  acknowledged: string[];
}

/** Sends until the connection dies; returns the values that were acknowledged, in order. */
async function produceUntilCrash(connection: KafkaConnection, topic: Topic, next: () => string, size: () => number) {
  try {
    for (;;) {
      const values = Array.from({ length: 1 + (size() % 4) }, next);
      const records = values.map((value) => ({
        timestamp: 1_700_000_000_000,
        key: Buffer.from(value),
        value: Buffer.from(value.padEnd(20 + size(), '.')),
      }));
      const { errorCode } = await calls.produce(connection, topic.name, 0, buildBatch({ records }));
      if (errorCode === ErrorCode.NONE) topic.acknowledged.push(...values);
    }
  } catch {
    // The crash cut the connection; what was not answered may or may not be there.
  }
}

function checkOrder(found: readonly string[], acknowledged: readonly string[]): void {
  expect(new Set(found).size, 'no record is there twice').toBe(found.length);
  let at = 0;
  for (const value of acknowledged) {
    while (at < found.length && found[at] !== value) at++;
    expect(at, `${value} was acknowledged, and is missing or out of order`).toBeLessThan(found.length);
  }
}

async function runHistory(seed: number): Promise<number> {
  const sim = new SimBroker(seed, { 'log.segment.bytes': '1048576', 'log.index.interval.bytes': '256' });
  const topics: Topic[] = [
    { name: 'plain', survivesPowerLoss: false, configs: {}, acknowledged: [] },
    { name: 'flushed', survivesPowerLoss: true, configs: { 'flush.messages': '1' }, acknowledged: [] },
  ];
  let counter = 0;
  const next = (): string => `v${counter++}`;
  await sim.start();
  const first = await sim.connect();
  for (const topic of topics) await sim.until(calls.createTopic(first, topic.name, 1, topic.configs));
  for (let crash = 0; crash < CRASHES_PER_SEED; crash++) {
    const writers: Promise<void>[] = [];
    for (const topic of topics) {
      const connection = await sim.connect();
      writers.push(produceUntilCrash(connection, topic, next, () => sim.random.below(3000)));
    }
    await sim.clock.advanceAndSettle(20 + sim.random.below(180));
    const isPowerLoss = sim.random.chance(0.5);
    if (isPowerLoss) sim.powerLoss();
    else sim.kill();
    await sim.clock.advanceAndSettle(10);
    await Promise.all(writers);

    await sim.start();
    const connection = await sim.connect();
    for (const topic of topics) {
      const records = await sim.until(calls.readAll(connection, topic.name, 0));
      const found = records.map(({ key }) => key?.toString() ?? '');
      // What a power loss took from a topic that does not flush is gone; what is left must still be in order and once.
      const isExpected = topic.survivesPowerLoss || !isPowerLoss;
      checkOrder(found, isExpected ? topic.acknowledged : []);
      topic.acknowledged = found;
    }
    connection.close();
  }
  sim.kill();
  return topics.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
}

test(`${POINTS} crash points: the broker comes back with what it acknowledged`, { timeout: 600_000 }, async () => {
  let records = 0;
  for (let i = 0; i * CRASHES_PER_SEED < POINTS; i++) {
    const seed = FIRST_SEED + i;
    try {
      records += await runHistory(seed);
    } catch (error) {
      throw new Error(`seed ${seed} (replay: OTTLA_SEED=${seed} OTTLA_POWER_LOSSES=1)`, { cause: error });
    }
  }
  expect(records).toBeGreaterThan(POINTS);
});
