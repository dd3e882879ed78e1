/**
 * What the configs of a topic promise of its log, as a client of a whole broker sees it: flush.ms, retention and
 * compaction, each under simulated time.
 */
import { expect, test } from 'vitest';
import type { KafkaConnection } from '../broker/protocol/connection/mod.ts';
import { buildBatch, ErrorCode, type KafkaRecord } from '../broker/protocol/mod.ts';
import * as calls from './support/calls.ts';
import { SimBroker } from './support/sim-broker.ts';

async function start(configs: Record<string, string>, overrides: Record<string, string> = {}) {
  const sim = new SimBroker(7, overrides);
  await sim.start();
  const connection = await sim.connect();
  await sim.until(calls.createTopic(connection, 'topic', 1, configs));
  return { sim, connection };
}

function put(sim: SimBroker, connection: KafkaConnection, key: string, value: string | null) {
  const record = {
    timestamp: sim.clock.nowMs(),
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  };
  return sim.until(calls.produce(connection, 'topic', 0, buildBatch({ records: [record] })));
}

function readAll(sim: SimBroker, connection: KafkaConnection): Promise<KafkaRecord[]> {
  return sim.until(calls.readAll(connection, 'topic', 0));
}

async function metric(sim: SimBroker, name: string): Promise<number> {
  const text = (await sim.running?.telemetry.render())?.text ?? '';
  return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
}

test('a partition whose files make no sense answers KAFKA_STORAGE_ERROR, and the others are served', async () => {
  const { sim, connection } = await start({});
  await put(sim, connection, 'k', 'before');
  await sim.until(calls.createTopic(connection, 'bad', 1));
  const batch = buildBatch({ records: [{ timestamp: 1, key: null, value: null }] });
  expect((await sim.until(calls.produce(connection, 'bad', 0, batch))).errorCode).toBe(ErrorCode.NONE);
  sim.kill();
  sim.disk.open('/data/bad-0/partition.metadata', 'write').truncate(0);
  sim.disk.open('/data/bad-0/partition.metadata', 'write').writeSync(Buffer.from('nonsense'), 0, 8, 0);
  await sim.start();
  const again = await sim.connect();
  expect((await sim.until(calls.produce(again, 'bad', 0, batch))).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect((await sim.until(calls.fetchOnce(again, 'bad', 0, 0))).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(await metric(sim, 'kafka_server_replicamanager_offlinereplicacount')).toBe(1);
  expect((await put(sim, again, 'k', 'after')).errorCode).toBe(ErrorCode.NONE);
  await sim.until(calls.deleteTopic(again, 'bad'));
  await sim.clock.advanceAndSettle(1_000);
  expect(await metric(sim, 'kafka_server_replicamanager_offlinereplicacount')).toBe(0);
});

test('what is older than flush.ms survives a power loss', async () => {
  const { sim, connection } = await start({ 'flush.ms': '3000' });
  for (let i = 0; i < 5; i++) await put(sim, connection, `k${i}`, 'early');
  const before = await metric(sim, 'kafka_log_logflushstats_logflushrateandtimems_count');
  await sim.clock.advanceAndSettle(4_100);
  expect(await metric(sim, 'kafka_log_logflushstats_logflushrateandtimems_count')).toBeGreaterThan(before);
  sim.powerLoss();
  await sim.start();
  const found = await readAll(sim, await sim.connect());
  expect(found.map(({ key }) => String(key))).toEqual(['k0', 'k1', 'k2', 'k3', 'k4']);
});

test('without flush.ms a power loss takes what was not flushed, on some disks', async () => {
  let lost = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const sim = new SimBroker(seed);
    await sim.start();
    const connection = await sim.connect();
    await sim.until(calls.createTopic(connection, 'topic', 1));
    for (let i = 0; i < 5; i++) await put(sim, connection, `k${i}`, 'early');
    await sim.clock.advanceAndSettle(4_100);
    sim.powerLoss();
    await sim.start();
    if ((await readAll(sim, await sim.connect())).length < 5) lost += 1;
  }
  expect(lost).toBeGreaterThan(0);
});

test('records older than retention.ms are gone for a consumer, younger ones are not', async () => {
  const { sim, connection } = await start(
    { 'retention.ms': '60000', 'segment.ms': '10000' },
    { 'log.retention.check.interval.ms': '5000' },
  );
  for (let i = 0; i < 12; i++) {
    await put(sim, connection, `k${i}`, 'x');
    await sim.clock.advanceAndSettle(15_000);
  }
  const found = (await readAll(sim, connection)).map(({ key }) => String(key));
  expect(found.length).toBeGreaterThanOrEqual(4);
  expect(found.length).toBeLessThanOrEqual(7);
  expect(found.at(-1)).toBe('k11');
  expect(await sim.until(calls.earliestOffset(connection, 'topic', 0))).toBe(12 - found.length);
  const early = await sim.until(calls.fetchOnce(connection, 'topic', 0, 0));
  expect(early.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
  await sim.clock.advanceAndSettle(120_000);
  expect(await readAll(sim, connection)).toEqual([]);
});

test('compaction leaves a consumer the last value of every key, and takes tombstones in time', async () => {
  const { sim, connection } = await start(
    {
      'cleanup.policy': 'compact',
      'segment.ms': '1000',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '60000',
    },
    { 'log.cleaner.backoff.ms': '2000', 'log.flush.offset.checkpoint.interval.ms': '1000' },
  );
  for (let round = 0; round < 10; round++) {
    for (const key of ['a', 'b', 'c']) await put(sim, connection, key, `${key}${round}`);
    await sim.clock.advanceAndSettle(2_000);
  }
  await put(sim, connection, 'c', null);
  await sim.clock.advanceAndSettle(2_000);
  await put(sim, connection, 'end', 'roll');
  await sim.clock.advanceAndSettle(10_000);
  const show = (records: KafkaRecord[]) => records.map(({ key, value }) => `${key}=${value}`);
  expect(show(await readAll(sim, connection))).toEqual(['a=a9', 'b=b9', 'c=null', 'end=roll']);
  expect(await metric(sim, 'kafka_log_logcleanermanager_time_since_last_run_ms')).toBeLessThanOrEqual(2_000);
  expect(await metric(sim, 'kafka_log_logcleaner_max_buffer_utilization_percent')).toBeGreaterThan(0);
  await sim.clock.advanceAndSettle(61_000);
  await put(sim, connection, 'end', 'again');
  await sim.clock.advanceAndSettle(2_000);
  await put(sim, connection, 'end', 'last');
  await sim.clock.advanceAndSettle(10_000);
  expect(show(await readAll(sim, connection))).toEqual(['a=a9', 'b=b9', 'end=again', 'end=last']);
});
