/** Every API we serve answers every version we advertise: nothing is advertised that closes the connection. */
import { expect, test } from 'vitest';
import { kebab } from '../../hack/codecs/codec-source.ts';
import { defaultValue } from '../../test/codec-arbitraries.ts';
import * as calls from '../../test/support/calls.ts';
import { SimBroker } from '../../test/support/sim-broker.ts';
import { defineCall } from '../protocol/connection/mod.ts';
import { apis } from '../protocol/messages/mod.ts';
import { buildBatch } from '../protocol/mod.ts';

/** Fields without which a request would wait, or mean nothing. */
const FILLED: Readonly<Record<string, (version: number, topicId: string) => object>> = {
  Produce: (version, topicId) => ({
    acks: 1,
    timeoutMs: 1000,
    topicData: [
      {
        name: version >= 13 ? '' : 'known',
        topicId,
        partitionData: [
          {
            index: 0,
            records: buildBatch({ records: [{ timestamp: 1_700_000_000_000, key: null, value: Buffer.from('v') }] }),
          },
        ],
      },
    ],
  }),
  Fetch: (version, topicId) => ({
    sessionEpoch: -1,
    maxBytes: 1000,
    topics: [
      {
        topic: version >= 13 ? '' : 'known',
        topicId,
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }],
      },
    ],
  }),
  ListOffsets: () => ({
    replicaId: -1,
    topics: [{ name: 'known', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  }),
  Metadata: () => ({ topics: [{ name: 'known' }] }),
  OffsetCommit: (version, topicId) => ({
    groupId: 'g',
    generationIdOrMemberEpoch: -1,
    topics: [
      {
        name: version >= 10 ? '' : 'known',
        topicId: version >= 10 ? topicId : undefined,
        partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }],
      },
    ],
  }),
  OffsetFetch: (version, topicId) =>
    version >= 8
      ? { groups: [{ groupId: 'g', topics: [{ name: version >= 10 ? '' : 'known', topicId, partitionIndexes: [0] }] }] }
      : { groupId: 'g', topics: [{ name: 'known', partitionIndexes: [0] }] },
  JoinGroup: () => ({
    groupId: 'j',
    sessionTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'p', metadata: Buffer.alloc(0) }],
  }),
  SyncGroup: () => ({ groupId: 'g', memberId: 'm' }),
  Heartbeat: () => ({ groupId: 'g', memberId: 'm' }),
  LeaveGroup: (version) =>
    version >= 3 ? { groupId: 'g', members: [{ memberId: 'm' }] } : { groupId: 'g', memberId: 'm' },
  DescribeGroups: () => ({ groups: ['g', 'unknown'] }),
  DeleteGroups: () => ({ groupsNames: ['unknown'] }),
  OffsetDelete: () => ({ groupId: 'g', topics: [{ name: 'known', partitions: [{ partitionIndex: 0 }] }] }),
  FindCoordinator: (version) => (version >= 4 ? { coordinatorKeys: ['g'] } : { key: 'g' }),
  ApiVersions: (version) => (version >= 3 ? { clientSoftwareName: 'test', clientSoftwareVersion: '1' } : {}),
  CreateTopics: (version) => ({
    topics: [{ name: `created-${version}`, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
  }),
  DeleteTopics: (version) => (version >= 6 ? { topics: [{ name: 'unknown' }] } : { topicNames: ['unknown'] }),
  DescribeConfigs: () => ({
    resources: [{ resourceType: 2, resourceName: 'known', configurationKeys: null }],
    includeSynonyms: true,
  }),
  CreatePartitions: () => ({ topics: [{ name: 'known', count: 0, assignments: null }] }),
  ElectLeaders: () => ({ topicPartitions: [{ topic: 'known', partitions: [0] }] }),
  DescribeCluster: (version) => (version >= 1 ? { endpointType: 1 } : {}),
  DescribeTopicPartitions: () => ({ topics: [{ name: 'known' }], responsePartitionLimit: 10 }),
  DescribeProducers: () => ({ topics: [{ name: 'known', partitionIndexes: [0] }] }),
  DescribeQuorum: () => ({ topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] }),
  OffsetForLeaderEpoch: () => ({ topics: [{ topic: 'known', partitions: [{ partition: 0, leaderEpoch: 0 }] }] }),
  DeleteRecords: () => ({ topics: [{ name: 'known', partitions: [{ partitionIndex: 0, offset: 0 }] }] }),
};

test('every served API answers in every advertised version', async () => {
  const sim = new SimBroker(1);
  await sim.start();
  const connection = await sim.connect();
  await sim.until(calls.createTopic(connection, 'known', 1));
  const topicId = sim.running?.broker.image.topicsByName.get('known')?.id ?? '';
  const problems: string[] = [];
  let answered = 0;
  for (const api of apis) {
    const served = sim.running?.broker.servedVersions(api.key, false);
    if (served === undefined) continue;
    const request = await import(`../protocol/generated/${kebab(api.name)}-request.ts`);
    const response = await import(`../protocol/generated/${kebab(api.name)}-response.ts`);
    const call = defineCall(api.key, request[`write${api.name}Request`], response[`read${api.name}Response`]);
    for (let version = served.min; version <= served.max; version++) {
      const defaults = Object.fromEntries(
        Object.entries(api.request.fields).map(([key, field]) => [key, defaultValue(field)]),
      );
      const own = await sim.connect();
      try {
        await sim.until(own.request(call, version, { ...defaults, ...FILLED[api.name]?.(version, topicId) }));
        answered++;
      } catch (error) {
        problems.push(`${api.name} v${version}: ${(error as Error).message}`);
      }
      own.close();
    }
  }
  expect(problems).toEqual([]);
  expect(answered).toBeGreaterThan(150);
});

test('an unknown version of ApiVersions is answered in version 0, and the connection stays', async () => {
  const sim = new SimBroker(2);
  await sim.start();
  const connection = await sim.connect();
  const { readApiVersionsResponse } = await import('../protocol/generated/api-versions-response.ts');
  const call = defineCall(
    18,
    () => {},
    (reader) => readApiVersionsResponse(reader, 0),
  );
  const response = await sim.until(connection.request(call, 99, {}));
  expect(response.errorCode).toBe(35);
  expect(response.apiKeys.find(({ apiKey }) => apiKey === 18)).toMatchObject({ minVersion: 0, maxVersion: 5 });
  await sim.until(calls.createTopic(connection, 'still-works', 1));
});
