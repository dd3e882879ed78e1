/** Answers that a comparison with Kafka found to be wrong or missing, each held in its place. */
import { expect, test } from 'vitest';
import * as calls from '../../test/support/calls.ts';
import { SimBroker } from '../../test/support/sim-broker.ts';
import { defineCall, type KafkaConnection } from '../protocol/connection/mod.ts';
import { writeDescribeConfigsRequest } from '../protocol/generated/describe-configs-request.ts';
import { readDescribeConfigsResponse } from '../protocol/generated/describe-configs-response.ts';
import { buildBatch, ErrorCode, type RecordInit } from '../protocol/mod.ts';

const TIMESTAMP = 1_700_000_000_000;
const record = (key: string | null): RecordInit => ({
  timestamp: TIMESTAMP,
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from('value'),
});

async function start(configs: Readonly<Record<string, string>> = {}) {
  const sim = new SimBroker(5);
  await sim.start();
  const client = await sim.connect();
  await sim.until(calls.createTopic(client, 'topic', 1, configs));
  return { sim, client };
}

const produced = (client: KafkaConnection, version: number, records: Buffer) =>
  client.request(calls.produceCall, version, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: 'topic', partitionData: [{ index: 0, records }] }],
  });

const fetched = (client: KafkaConnection, version: number, partition: object, request: object = {}) =>
  client.request(calls.fetchCall, version, {
    maxWaitMs: 0,
    minBytes: 0,
    ...request,
    topics: [{ topic: 'topic', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000, ...partition }] }],
  });

test('each refused record says why', async () => {
  const { sim, client } = await start({ 'cleanup.policy': 'compact' });
  const batch = buildBatch({ records: [record('key'), record(null)] });
  const { responses } = await sim.until(produced(client, 12, batch));
  const [answer] = responses[0]?.partitionResponses ?? [];
  expect(answer?.errorCode).toBe(ErrorCode.INVALID_RECORD);
  expect(answer?.recordErrors).toEqual([{ batchIndex: 1, batchIndexErrorMessage: expect.stringContaining('key') }]);
});

test('what is not exactly one batch of the current format is refused before the log sees it', async () => {
  const { sim, client } = await start();
  const batch = buildBatch({ records: [record('key')] });
  const oldFormat = Buffer.from(batch);
  oldFormat[16] = 1;
  const newFormat = Buffer.from(batch);
  newFormat[16] = 3;
  const codeOf = async (records: Buffer) => {
    const { responses } = await sim.until(produced(client, 12, records));
    const answer = responses[0]?.partitionResponses[0];
    expect(answer?.logStartOffset).toBe(answer?.errorCode === ErrorCode.NONE ? 0 : -1);
    return answer?.errorCode;
  };
  expect(await codeOf(batch.subarray(0, 30))).toBe(ErrorCode.INVALID_RECORD);
  expect(await codeOf(Buffer.concat([batch, batch]))).toBe(ErrorCode.INVALID_RECORD);
  expect(await codeOf(oldFormat)).toBe(ErrorCode.INVALID_RECORD);
  expect(await codeOf(newFormat)).toBe(ErrorCode.CORRUPT_MESSAGE);
  expect(await codeOf(Buffer.concat([batch, Buffer.alloc(7)]))).toBe(ErrorCode.NONE);
});

test('a transactional batch without a transactional id is not authorised', async () => {
  const { sim, client } = await start();
  const records = [record('key')];
  const batch = buildBatch({ records, isTransactional: true, producerId: 7, producerEpoch: 0, baseSequence: 0 });
  const { responses } = await sim.until(produced(client, 12, batch));
  expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
});

test('a moved partition is told in versions that know no leader hints too', async () => {
  const { sim, client } = await start();
  for (const version of [4, 11, 12]) {
    const { responses } = await sim.until(fetched(client, version, {}, { replicaId: 7 }));
    expect(responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }
});

test('a fetcher whose history ends earlier learns where, and one from an unknown epoch starts over', async () => {
  const { sim, client } = await start();
  await sim.until(produced(client, 12, buildBatch({ records: [record('a'), record('b')] })));
  const ahead = await sim.until(fetched(client, 12, { fetchOffset: 9, lastFetchedEpoch: 0 }));
  expect(ahead.responses[0]?.partitions[0]).toMatchObject({
    errorCode: ErrorCode.NONE,
    divergingEpoch: { epoch: 0, endOffset: 2 },
  });
  const stranger = await sim.until(fetched(client, 12, { fetchOffset: 1, lastFetchedEpoch: 6 }));
  expect(stranger.responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
});

test('a topic that is named twice is answered once', async () => {
  const { sim, client } = await start();
  const topics = [{ name: 'topic' }, { name: 'topic' }];
  const answer = await sim.until(
    client.request(calls.metadataCall, 12, {
      topics,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
    }),
  );
  expect(answer.topics).toHaveLength(1);
  expect(answer.topics[0]?.topicAuthorizedOperations).toBe(3576);
});

test('a request that its version cannot carry fails alone, and the connection goes on', async () => {
  const { sim, client } = await start();
  await expect(async () => fetched(client, 17, {}, { replicaId: 7 })).rejects.toThrow();
  const { responses } = await sim.until(fetched(client, 12, {}));
  expect(responses[0]?.partitions[0]?.errorCode).toBe(ErrorCode.NONE);
});

test('a request for too many partitions is refused for each of its topics, and the controller goes on', async () => {
  const { sim, client } = await start();
  const names = ['a', 'b', 'c'];
  const create = (numPartitions: number) =>
    client.request(calls.createTopicsCall, 7, {
      timeoutMs: 1000,
      validateOnly: false,
      topics: names.map((name) => ({ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] })),
    });
  const { topics } = await sim.until(create(4000));
  expect(topics).toMatchObject(
    names.map((name) => ({
      name,
      errorCode: ErrorCode.POLICY_VIOLATION,
      errorMessage: 'Excessively large number of partitions per request.',
    })),
  );
  expect((await sim.until(create(1))).topics.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0]);
});

test('min.insync.replicas of the file becomes that of the cluster', async () => {
  const describe = defineCall(32, writeDescribeConfigsRequest, readDescribeConfigsResponse);
  const sim = new SimBroker(5, { 'min.insync.replicas': '2' });
  await sim.start();
  const client = await sim.connect();
  await sim.until(calls.createTopic(client, 'topic', 1));
  const { results } = await sim.until(
    client.request(describe, 4, {
      resources: [
        { resourceType: 4, resourceName: '', configurationKeys: null },
        { resourceType: 2, resourceName: 'topic', configurationKeys: ['min.insync.replicas'] },
      ],
      includeSynonyms: true,
      includeDocumentation: false,
    }),
  );
  const [dynamicDefault, fixed, builtIn] = [3, 4, 5].map((source, at) => ({ value: at < 2 ? '2' : '1', source }));
  expect(results.map(({ configs }) => configs)).toMatchObject([
    [{ name: 'min.insync.replicas', value: '2', configSource: 3 }],
    [{ value: '2', configSource: 3, synonyms: [dynamicDefault, fixed, builtIn] }],
  ]);
});
