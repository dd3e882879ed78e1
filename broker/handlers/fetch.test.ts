import { expect, test } from 'vitest';
import * as calls from '../../test/support/calls.ts';
import { SimBroker } from '../../test/support/sim-broker.ts';
import { defineCall } from '../protocol/connection/mod.ts';
import { writeDeleteTopicsRequest } from '../protocol/generated/delete-topics-request.ts';
import { readDeleteTopicsResponse } from '../protocol/generated/delete-topics-response.ts';
import { buildBatch, ErrorCode } from '../protocol/mod.ts';

const deleteTopics = defineCall(20, writeDeleteTopicsRequest, readDeleteTopicsResponse);
const batchOf = (value: string): Buffer =>
  buildBatch({ records: [{ timestamp: 1_700_000_000_000, key: null, value: Buffer.from(value) }] });

async function start(): Promise<SimBroker> {
  const sim = new SimBroker(3);
  await sim.start();
  const admin = await sim.connect();
  await sim.until(calls.createTopic(admin, 'topic', 1));
  return sim;
}

test('a parked fetch is answered as soon as a record is written', async () => {
  const sim = await start();
  const [reader, writer] = [await sim.connect(), await sim.connect()];
  const parked = calls.fetchOnce(reader, 'topic', 0, 0, { maxWaitMs: 60_000 });
  await sim.clock.advanceAndSettle(50);
  const startedMs = sim.clock.monotonicMs();
  await sim.until(calls.produce(writer, 'topic', 0, batchOf('hello')));
  const { errorCode, records } = await sim.until(parked);
  expect(errorCode).toBe(ErrorCode.NONE);
  expect(records?.length).toBeGreaterThan(0);
  expect(sim.clock.monotonicMs() - startedMs).toBeLessThan(100);
});

test('a parked fetch gives up after its time, empty', async () => {
  const sim = await start();
  const reader = await sim.connect();
  const startedMs = sim.clock.monotonicMs();
  const answer = await sim.until(calls.fetchOnce(reader, 'topic', 0, 0, { maxWaitMs: 500 }));
  expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 0 });
  expect(sim.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(500);
});

// It read again and again from the replica that was gone, until the stack was full and the process ended.
test('a fetch that is parked on a topic learns that the topic was deleted', async () => {
  const sim = await start();
  const [reader, admin] = [await sim.connect(), await sim.connect()];
  const parked = calls.fetchOnce(reader, 'topic', 0, 0, { maxWaitMs: 60_000 });
  await sim.clock.advanceAndSettle(50);
  await sim.until(admin.request(deleteTopics, 5, { topicNames: ['topic'], timeoutMs: 1000 }));
  const { errorCode } = await sim.until(parked);
  expect(errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});
