/** Ottla's own APIs on the control listener, for whoever operates brokers. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as calls from '../../test/support/calls.ts';
import { SimBroker } from '../../test/support/sim-broker.ts';
import { defineCall, KafkaConnection } from '../protocol/connection/mod.ts';
import { writeOperatorEpochRequest } from '../protocol/generated/operator-epoch-request.ts';
import { readOperatorEpochResponse } from '../protocol/generated/operator-epoch-response.ts';
import { writeStopImpactRequest } from '../protocol/generated/stop-impact-request.ts';
import { readStopImpactResponse } from '../protocol/generated/stop-impact-response.ts';
import { writeStopPermitRequest } from '../protocol/generated/stop-permit-request.ts';
import { readStopPermitResponse } from '../protocol/generated/stop-permit-response.ts';
import { writeWatchChangesRequest } from '../protocol/generated/watch-changes-request.ts';
import { readWatchChangesResponse } from '../protocol/generated/watch-changes-response.ts';
import { ErrorCode } from '../protocol/mod.ts';

const stopPermit = defineCall(20000, writeStopPermitRequest, readStopPermitResponse);
const stopImpact = defineCall(20001, writeStopImpactRequest, readStopImpactResponse);
const operatorEpoch = defineCall(20002, writeOperatorEpochRequest, readOperatorEpochResponse);
const watchChanges = defineCall(20003, writeWatchChangesRequest, readWatchChangesResponse);
const CONTROL_PORT = 9093;

let broker: SimBroker;
let client: KafkaConnection;
let control: KafkaConnection;

beforeEach(async () => {
  const listeners = `PLAINTEXT://127.0.0.1:9092,CONTROL://127.0.0.1:${CONTROL_PORT}`;
  broker = new SimBroker(3, { listeners });
  await broker.start();
  client = await broker.connect();
  control = await broker.until(
    KafkaConnection.open({
      runtime: { network: broker.network.endpoint('operator') },
      host: '127.0.0.1',
      port: CONTROL_PORT,
      clientId: 'operator',
    }),
  );
});

afterEach(() => broker.kill());

test('WatchChanges tells at once what was changed, by whom and from where, and waits for what comes', async () => {
  await broker.until(calls.createTopic(client, 'orders', 1));
  const first = await broker.until(control.request(watchChanges, 0, { fromOffset: 0, maxWaitMs: 0 }));
  expect(first.errorCode).toBe(ErrorCode.NONE);
  expect(first.changes).toMatchObject([
    {
      principal: 'User:ANONYMOUS',
      clientId: 'sim',
      requestApiKey: 19,
      resourceType: 'topic',
      resourceName: 'orders',
      change: 'created',
    },
  ]);
  expect(first.changes[0]?.host).toMatch(/\d/);
  const next = control.request(watchChanges, 0, { fromOffset: first.nextOffset, maxWaitMs: 10_000 });
  await broker.until(calls.deleteTopic(client, 'orders'));
  expect((await broker.until(next)).changes.map(({ change }) => change)).toEqual(['deleted']);
});

test('StopImpact tells what stopping a broker would do, also of one that nobody knows', async () => {
  await broker.until(calls.createTopic(client, 'orders', 2));
  const impact = await broker.until(control.request(stopImpact, 0, { brokerId: 1 }));
  // One replica each: no restart can spare them, so they hold none up.
  expect(impact).toMatchObject({
    errorCode: ErrorCode.NONE,
    hasPermit: false,
    leaderCount: 2,
    replicaCount: 2,
    outOfSyncCount: 0,
    blockingCount: 0,
    unsparableCount: 2,
  });
  expect(impact.partitions.map(({ topic, isUnsparable }) => [topic, isUnsparable])).toEqual([
    ['orders', true],
    ['orders', true],
  ]);
  const unknown = await broker.until(control.request(stopImpact, 0, { brokerId: 7 }));
  expect(unknown.errorCode).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
});

test('every operator gets a greater epoch than the one before', async () => {
  const take = async (holder: string): Promise<number> =>
    (await broker.until(control.request(operatorEpoch, 0, { holder }))).operatorEpoch;
  expect([await take('a'), await take('b')]).toEqual([1, 2]);
  expect(broker.running?.broker.image).toMatchObject({ operatorEpoch: 2, operatorHolder: 'b' });
});

test('an operator whose term is over is refused, whatever it asks, and one cannot ask without its term', async () => {
  const take = async (holder: string): Promise<number> =>
    (await broker.until(control.request(operatorEpoch, 0, { holder }))).operatorEpoch;
  const connect = async (epoch: number): Promise<KafkaConnection> =>
    broker.until(
      KafkaConnection.open({
        runtime: { network: broker.network.endpoint('operator') },
        host: '127.0.0.1',
        port: CONTROL_PORT,
        clientId: 'operator',
        operatorEpoch: epoch,
      }),
    );
  const first = await connect(await take('a'));
  await broker.until(calls.createTopic(first, 'of-a', 1));
  const second = await connect(await take('b'));
  await expect(broker.until(calls.createTopic(first, 'late', 1))).rejects.toThrow('b acts under epoch 2');
  const permit = { brokerId: 1, brokerEpoch: 0, podUid: null, release: false };
  expect(await broker.until(first.request(stopPermit, 0, permit))).toMatchObject({
    errorCode: ErrorCode.STALE_CONTROLLER_EPOCH,
    errorMessage: expect.stringContaining('operator epoch 1'),
    isGranted: false,
  });
  await broker.until(calls.createTopic(second, 'of-b', 1));
  expect([...(broker.running?.broker.image.topicsByName.keys() ?? [])].sort()).toEqual(['of-a', 'of-b']);
  // The header of that version has no place for it.
  expect(() => second.request(calls.createTopicsCall, 2, { topics: [], timeoutMs: 0, validateOnly: false })).toThrow(
    'operatorEpoch',
  );
});

test('clients have none of it', async () => {
  await expect(broker.until(client.request(watchChanges, 0, { fromOffset: 0, maxWaitMs: 0 }))).rejects.toThrow();
});
