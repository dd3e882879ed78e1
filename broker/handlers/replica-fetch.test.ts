/** Fetch and its neighbours where there are followers: who may fetch as one, and what consumers read from one. */
import { afterEach, expect, test } from 'vitest';
import * as calls from '../../test/support/calls.ts';
import type { SimNode } from '../../test/support/replicas/sim-node.ts';
import { SimReplicas, type SimReplicasOptions } from '../../test/support/replicas/sim-replicas.ts';
import { defineCall, type KafkaConnection } from '../protocol/connection/mod.ts';
import type { FetchRequestInit } from '../protocol/generated/fetch-request.ts';
import type { FetchResponse, FetchResponseResponsesPartitions } from '../protocol/generated/fetch-response.ts';
import { writeListOffsetsRequest } from '../protocol/generated/list-offsets-request.ts';
import { readListOffsetsResponse } from '../protocol/generated/list-offsets-response.ts';
import { ErrorCode } from '../protocol/mod.ts';

const listOffsets = defineCall(2, writeListOffsetsRequest, readListOffsetsResponse);
const NEWEST_FETCH = 17;
const RACK_AWARE = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

let cluster: SimReplicas;
afterEach(() => cluster.close());

async function start(options: SimReplicasOptions = {}): Promise<[SimNode, SimNode, SimNode]> {
  cluster = await SimReplicas.start({ minInSyncReplicas: 2, ...options });
  cluster.controller.createTopic('t', { replicas: [1, 2, 3] });
  await cluster.converge('t');
  return [cluster.node(1), cluster.node(2), cluster.node(3)];
}

function topicId(): string {
  return cluster.controller.image().topicsByName.get('t')?.id ?? '';
}

interface Asked extends Partial<Omit<FetchRequestInit, 'topics'>> {
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly lastFetchedEpoch?: number;
  readonly version?: number;
}

function request(connection: KafkaConnection, asked: Asked): Promise<FetchResponse> {
  const { offset, leaderEpoch = -1, lastFetchedEpoch = -1, version = NEWEST_FETCH, ...fields } = asked;
  const partition = {
    partition: 0,
    fetchOffset: offset,
    currentLeaderEpoch: leaderEpoch,
    lastFetchedEpoch,
    partitionMaxBytes: 1 << 20,
  };
  const topic = version < 13 ? { topic: 't' } : { topicId: topicId() };
  return connection.request(calls.fetchCall, version, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    sessionEpoch: -1,
    topics: [{ ...topic, partitions: [partition] }],
    ...fields,
  });
}

async function fetchOnce(connection: KafkaConnection, asked: Asked): Promise<FetchResponseResponsesPartitions> {
  const { responses } = await cluster.until(request(connection, asked));
  const answer = responses[0]?.partitions[0];
  if (answer === undefined) throw new Error('the partition was not answered');
  return answer;
}

test('a client that calls itself a replica is refused, and moves nothing', async () => {
  const [one, two, three] = await start();
  cluster.network.cutLink(one.owner, two.owner);
  cluster.network.cutLink(one.owner, three.owner);
  void one.produce('t', 0, 'not replicated');
  await cluster.advance(50);
  const client = await one.connect('clients');
  for (const replicaId of [2, 3]) {
    const replicaState = { replicaId, replicaEpoch: cluster.node(replicaId).brokerEpoch };
    const answer = await fetchOnce(client, { offset: 1, leaderEpoch: 0, replicaState });
    expect(answer.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }
  expect(one.replica('t').highWatermark).toBe(0);
});

test('a follower is answered under its broker epoch and leader epoch only', async () => {
  const [one, two] = await start();
  cluster.controller.elect('t', 0, 2);
  cluster.controller.elect('t', 0, 1);
  await cluster.converge('t');
  const control = await one.connect('control');
  const replicaState = { replicaId: 2, replicaEpoch: two.brokerEpoch };
  const ask = (asked: Partial<Asked>) =>
    fetchOnce(control, { offset: 0, leaderEpoch: 2, replicaState, sessionEpoch: 0, ...asked });
  expect((await ask({})).errorCode).toBe(ErrorCode.NONE);
  expect((await ask({ leaderEpoch: 1 })).errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH);
  expect((await ask({ leaderEpoch: 3 })).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
  expect((await ask({ leaderEpoch: -1 })).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
  expect((await ask({ replicaState: { replicaId: 2, replicaEpoch: 0 } })).errorCode).toBe(
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
  );
  // Not a replica as far as this leader knows: the follower's metadata may be ahead.
  expect((await ask({ replicaState: { replicaId: 9, replicaEpoch: 9 } })).errorCode).toBe(
    ErrorCode.UNKNOWN_LEADER_EPOCH,
  );
  expect((await ask({ offset: 5 })).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
});

test('a follower with another history acknowledges nothing by its offset', async () => {
  const [one, two, three] = await start();
  await cluster.until(one.produce('t', 0, 'a'));
  cluster.controller.elect('t', 0, 1);
  await cluster.converge('t');
  for (const node of [two, three]) cluster.network.cutLink(one.owner, node.owner);
  void one.produce('t', 0, 'b');
  await cluster.advance(50);
  expect(one.replica('t')).toMatchObject({ logEndOffset: 2, highWatermark: 1 });
  const control = await one.connect('control');
  for (const node of [two, three]) {
    const replicaState = { replicaId: node.id, replicaEpoch: node.brokerEpoch };
    const asked = { offset: 2, leaderEpoch: 1, lastFetchedEpoch: 0, replicaState, sessionEpoch: 0 };
    const answer = await fetchOnce(control, asked);
    expect(answer).toMatchObject({ errorCode: ErrorCode.NONE, divergingEpoch: { epoch: 0, endOffset: 1 } });
  }
  expect(one.replica('t').highWatermark).toBe(1);
});

test('a session of a follower goes on by its epochs, and a second fetch ends the parked one', async () => {
  const [one] = await start();
  const control = await one.connect('control');
  const replicaState = { replicaId: 9, replicaEpoch: 9 };
  const empty = { maxWaitMs: 60_000, minBytes: 1, maxBytes: 1 << 20, replicaState, topics: [] };
  const fetch = (sessionId: number, sessionEpoch: number, maxWaitMs = 60_000) =>
    control.request(calls.fetchCall, NEWEST_FETCH, { ...empty, maxWaitMs, sessionId, sessionEpoch });
  const { sessionId } = await cluster.until(fetch(0, 0, 0));
  expect(sessionId).toBeGreaterThan(0);
  const parked = fetch(sessionId, 1);
  const second = fetch(sessionId, 2);
  const startedMs = cluster.clock.monotonicMs();
  expect(await cluster.until(parked)).toMatchObject({ errorCode: ErrorCode.NONE, sessionId, responses: [] });
  expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(100);
  expect(await cluster.until(second)).toMatchObject({ errorCode: ErrorCode.NONE, responses: [] });
  expect(cluster.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(60_000);
  expect((await cluster.until(fetch(sessionId, 2))).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  expect((await cluster.until(fetch(sessionId + 1, 3))).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
});

test('a consumer is sent to the in-sync replica in its rack, and reads there up to what is committed', async () => {
  const [one, two, three] = await start({ config: { 'replica.selector.class': RACK_AWARE } });
  for (const { id } of cluster.nodes) cluster.controller.setRack(id, `rack-${id}`);
  await cluster.until(one.produce('t', 0, 'a'));
  await cluster.converge('t');
  const leader = await one.connect();
  expect(await fetchOnce(leader, { offset: 0, rackId: 'rack-2' })).toMatchObject({
    errorCode: ErrorCode.NONE,
    preferredReadReplica: 2,
    records: Buffer.alloc(0),
  });
  const own = await fetchOnce(leader, { offset: 0, rackId: 'rack-1' });
  expect(own.preferredReadReplica).toBe(-1);
  expect(own.records?.length).toBeGreaterThan(0);
  expect((await fetchOnce(leader, { offset: 0, rackId: 'elsewhere' })).preferredReadReplica).toBe(-1);
  const follower = await two.connect();
  const there = await fetchOnce(follower, { offset: 0, rackId: 'rack-2', leaderEpoch: 0 });
  expect(there).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: 1, preferredReadReplica: -1 });
  expect(there.records).toEqual(own.records);

  // Written on the follower, and committed nowhere: not for consumers.
  three.pause();
  void one.produce('t', 0, 'b');
  await cluster.advance(50);
  expect(two.replica('t').logEndOffset).toBe(2);
  expect(await fetchOnce(follower, { offset: 1, rackId: 'rack-2' })).toMatchObject({
    errorCode: ErrorCode.NONE,
    highWatermark: 1,
    records: Buffer.alloc(0),
  });
  expect((await fetchOnce(follower, { offset: 3, rackId: 'rack-2' })).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
});

test('a fetch that is parked at a follower is answered when the follower hears of the commit', async () => {
  const [one, two] = await start();
  const follower = await two.connect();
  const parked = request(follower, { offset: 0, maxWaitMs: 60_000 });
  await cluster.advance(20);
  await cluster.until(one.produce('t', 0, 'a'));
  const startedMs = cluster.clock.monotonicMs();
  const { responses } = await cluster.until(parked);
  expect(responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(0);
  // With the next answer of the leader, which comes after replica.fetch.wait.max.ms at the latest.
  expect(cluster.clock.monotonicMs() - startedMs).toBeLessThan(600);
});

test('a consumer too old to know of read replicas is sent to the leader', async () => {
  const [, two] = await start();
  const follower = await two.connect();
  expect((await fetchOnce(follower, { offset: 0, version: 10 })).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  expect((await fetchOnce(follower, { offset: 0, version: 11 })).errorCode).toBe(ErrorCode.NONE);
});

test('a fetch that is parked at a follower hears of a new epoch', async () => {
  const [, two] = await start();
  const follower = await two.connect();
  const parked = request(follower, { offset: 0, leaderEpoch: 0, maxWaitMs: 60_000 });
  await cluster.advance(20);
  cluster.controller.elect('t', 0, 3);
  const { responses } = await cluster.until(parked);
  expect(responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH);
});

test('a new leader does not tell an end that it does not know', async () => {
  const [one, two, three] = await start();
  await cluster.until(one.produce('t', 0, 'a'));
  await cluster.converge('t');
  await cluster.until(one.produce('t', 0, 'b'));
  expect(two.replica('t').highWatermark).toBe(1);
  one.kill();
  three.pause();
  cluster.controller.fence(1);
  await cluster.waitFor(() => two.replica('t').isLeader, 'node 2 to lead');
  const client = await two.connect();
  const latest = async () => {
    const { topics } = await cluster.until(
      client.request(listOffsets, 10, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }] }],
      }),
    );
    return topics[0]?.partitions[0];
  };
  expect((await latest())?.errorCode).toBe(ErrorCode.OFFSET_NOT_AVAILABLE);
  three.resume();
  await cluster.waitFor(() => two.replica('t').highWatermark === 2, 'the high watermark to be known');
  expect(await latest()).toMatchObject({ errorCode: ErrorCode.NONE, offset: 2 });
});
