import { expect, test } from 'vitest';
import { written } from '../metadata/image-fixture.ts';
import {
  ConfigResource,
  decodeSnapshot,
  EMPTY_IMAGE,
  encodeSnapshot,
  ImageBuilder,
  type MetadataImage,
} from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { ZERO_UUID } from '../std/mod.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import {
  allocateProducerIds,
  alterConfigs,
  ConfigOperation,
  type ConfigRules,
  createPartitions,
  createTopics,
  deleteTopics,
  type ElectionTarget,
  type ElectionType,
  electLeaders,
  type NewTopic,
  placeReplicas,
  type Registration,
  registerBroker,
  unfenceBroker,
} from './mod.ts';
import { electionRules } from './rules-fixture.ts';

const elections = electionRules();
const register = (image: MetadataImage, registration: Omit<Registration, 'previousEpoch'>) =>
  registerBroker(image, { previousEpoch: -1, ...registration }, { rules: elections, hasSession: false });
const unfence = (image: MetadataImage, id: number, epoch: number) => unfenceBroker(image, id, epoch, elections);
const elect = (image: MetadataImage, type: ElectionType, wanted: readonly ElectionTarget[] | null) =>
  electLeaders(image, type, wanted, elections);

const random = new SeededRandom(5);
const rules: ConfigRules = {
  problemOf: (_type, _name, overrides) => (overrides.has('bad') ? 'bad is bad' : undefined),
  isList: (_type, name) => name === 'list',
  defaultList: () => ['default'],
};

function cluster(racks: readonly (string | null)[]): MetadataImage {
  let image = EMPTY_IMAGE;
  racks.forEach((rack, brokerId) => {
    const registration = {
      brokerId,
      incarnationId: ZERO_UUID,
      endpoints: [{ name: 'PLAINTEXT', host: 'h', port: 1 }],
      rack,
      directories: [],
      features: [],
    };
    image = written(image, register(image, registration).records);
    image = written(image, unfence(image, brokerId, image.brokers.get(brokerId)?.epoch ?? -1).records);
  });
  return image;
}

const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  partitionCount: 1,
  replicationFactor: 1,
  assignments: [],
  configs: new Map(),
  ...more,
});
const create = (image: MetadataImage, topics: NewTopic[], validateOnly = false) =>
  createTopics(image, topics, { defaults: { partitionCount: 4, replicationFactor: 1 }, rules, random, validateOnly });

test('a registration gives the broker the offset of its record as epoch, and it serves once unfenced', () => {
  const image = cluster([null]);
  expect(image.brokers.get(0)).toMatchObject({ epoch: 0, isFenced: false });
  expect(unfence(image, 0, 99).result.errorCode).toBe(ErrorCode.STALE_BROKER_EPOCH);
  expect(unfence(image, 7, 0).result.errorCode).toBe(ErrorCode.BROKER_ID_NOT_REGISTERED);
});

test('each topic of a request is judged by itself', () => {
  const image = written(cluster([null]), create(cluster([null]), [topic('a.b')]).records);
  const cases: [NewTopic, number][] = [
    [topic('good', { partitionCount: -1, replicationFactor: -1 }), ErrorCode.NONE],
    [topic('a.b'), ErrorCode.TOPIC_ALREADY_EXISTS],
    [topic('a_b'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [topic('..'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [topic('sp ace'), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [topic('x'.repeat(250)), ErrorCode.INVALID_TOPIC_EXCEPTION],
    [topic('none', { partitionCount: 0 }), ErrorCode.INVALID_PARTITIONS],
    [topic('wide', { replicationFactor: 2 }), ErrorCode.INVALID_REPLICATION_FACTOR],
    [topic('zero', { replicationFactor: 0 }), ErrorCode.INVALID_REPLICATION_FACTOR],
    [topic('bad', { configs: new Map([['bad', '1']]) }), ErrorCode.INVALID_CONFIG],
    [topic('null', { configs: new Map([['x', null]]) }), ErrorCode.INVALID_CONFIG],
    [topic('both', { assignments: [{ partition: 0, brokerIds: [0] }] }), ErrorCode.INVALID_REQUEST],
    [
      topic('gap', { partitionCount: -1, replicationFactor: -1, assignments: [{ partition: 1, brokerIds: [0] }] }),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
    [
      topic('who', { partitionCount: -1, replicationFactor: -1, assignments: [{ partition: 0, brokerIds: [9] }] }),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ],
    [topic('__cluster_metadata'), ErrorCode.INVALID_REQUEST],
  ];
  const { records, result } = create(
    image,
    cases.map(([each]) => each),
  );
  expect(result.map(({ name, errorCode }) => [name, errorCode])).toEqual(
    cases.map(([each, code]) => [each.name, code]),
  );
  expect([...written(image, records).topicsByName.keys()]).toEqual(['a.b', 'good']);
  expect(written(image, records).topicsByName.get('good')?.partitions.length).toBe(4);
});

test('a name twice in one request is refused once, and validation alone writes nothing', () => {
  const image = cluster([null]);
  expect(create(image, [topic('t'), topic('t')]).result).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST }]);
  expect(create(image, [topic('t')], true)).toMatchObject({ records: [], result: [{ errorCode: ErrorCode.NONE }] });
});

test('a deleted topic takes its configs along; by name or by id, never both', () => {
  let image = cluster([null]);
  image = written(image, create(image, [topic('t', { configs: new Map([['x', '1']]) })]).records);
  const id = image.topicsByName.get('t')?.id ?? '';
  const { result } = deleteTopics(image, [
    { name: 't', id },
    { name: null, id: ZERO_UUID },
    { name: 'unknown', id: ZERO_UUID },
  ]);
  expect(result.map(({ errorCode }) => errorCode)).toEqual([
    ErrorCode.INVALID_REQUEST,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ]);
  image = written(image, deleteTopics(image, [{ name: null, id }]).records);
  expect(image.topicsByName.size + image.configs.size).toBe(0);
});

test('partitions only grow', () => {
  let image = cluster([null]);
  image = written(image, create(image, [topic('t', { partitionCount: 2 })]).records);
  const grow = (count: number, assignments: number[][] | null = null) =>
    createPartitions(image, [{ name: 't', count, assignments }], { random, validateOnly: false });
  expect(grow(2).result[0]?.errorCode).toBe(ErrorCode.INVALID_PARTITIONS);
  expect(grow(1).result[0]?.errorCode).toBe(ErrorCode.INVALID_PARTITIONS);
  expect(grow(4, [[0]]).result[0]?.errorCode).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  image = written(image, grow(5).records);
  expect(image.topicsByName.get('t')?.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3, 4]);
});

test('configs: incremental changes keep what they do not name, the legacy form replaces all', () => {
  let image = cluster([null]);
  image = written(image, create(image, [topic('t')]).records);
  const alter = (changes: [string, number, string | null][], replacesAll = false) =>
    alterConfigs(
      image,
      [
        {
          resourceType: ConfigResource.topic,
          resourceName: 't',
          replacesAll,
          changes: changes.map(([name, operation, value]) => ({ name, operation, value })),
        },
      ],
      { rules, validateOnly: false },
    );
  const { set, append, subtract } = ConfigOperation;
  image = written(
    image,
    alter([
      ['a', set, '1'],
      ['list', append, 'x,default'],
    ]).records,
  );
  expect(Object.fromEntries(image.configs.get('2/t') ?? [])).toEqual({ a: '1', list: 'default,x' });
  image = written(
    image,
    alter([
      ['list', subtract, 'default'],
      ['a', ConfigOperation.delete, null],
    ]).records,
  );
  expect(Object.fromEntries(image.configs.get('2/t') ?? [])).toEqual({ list: 'x' });
  expect(alter([['a', append, '1']]).result[0]?.errorCode).toBe(ErrorCode.INVALID_CONFIG);
  expect(alter([['a', set, null]]).result[0]?.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  expect(
    alter([
      ['a', set, '1'],
      ['a', set, '2'],
    ]).result[0]?.errorCode,
  ).toBe(ErrorCode.INVALID_REQUEST);
  image = written(image, alter([['b', set, '2']], true).records);
  expect(Object.fromEntries(image.configs.get('2/t') ?? [])).toEqual({ b: '2' });
});

test('replicas of a partition are on different brokers and racks, and leaders are balanced', () => {
  for (let brokers = 3; brokers < 8; brokers++) {
    const image = cluster(Array.from({ length: brokers }, (_, id) => `rack-${id % 3}`));
    const placed = placeReplicas({
      brokers: [...image.brokers.values()],
      partitionCount: brokers * 4,
      replicationFactor: 3,
      firstPartition: 0,
      random,
    });
    for (const replicas of placed) expect(new Set(replicas).size).toBe(3);
    const leaders = placed.map(([leader]) => leader);
    for (let id = 0; id < brokers; id++) expect(leaders.filter((leader) => leader === id).length).toBe(4);
  }
});

test('producer ids are handed out once, and to the incarnation that is registered', () => {
  const image = cluster([null]);
  const first = allocateProducerIds(image, 0, 0);
  expect(first.result).toEqual({ first: 0, count: 1000 });
  expect(allocateProducerIds(written(image, first.records), 0, 0).result).toEqual({ first: 1000, count: 1000 });
  expect(allocateProducerIds(image, 0, 1)).toMatchObject({
    records: [],
    result: { errorCode: ErrorCode.STALE_BROKER_EPOCH },
  });
});

test('an election that is not needed says so, unless everything was asked for', () => {
  let image = cluster([null]);
  image = written(image, create(image, [topic('t')]).records);
  expect(elect(image, 'preferred', [{ topic: 't', partition: 0 }]).result).toMatchObject([
    { errorCode: ErrorCode.ELECTION_NOT_NEEDED },
  ]);
  expect(elect(image, 'preferred', null).result).toEqual([]);
});

test('an image comes back from its snapshot as it was', () => {
  let image = cluster(['a', 'b', null]);
  image = written(
    image,
    create(image, [topic('t', { partitionCount: 3, replicationFactor: 2, configs: new Map([['x', '1']]) }), topic('u')])
      .records,
  );
  image = written(image, allocateProducerIds(image, 0, 0).records);
  image = written(image, [
    {
      kind: 'ClientQuota',
      entity: [{ entityType: 'user', entityName: null }],
      key: 'producer_byte_rate',
      value: 5,
      remove: false,
    },
  ]);
  const builder = new ImageBuilder(EMPTY_IMAGE);
  for (const batch of decodeSnapshot(encodeSnapshot(image))) builder.apply(batch, image.nextOffset - 1);
  expect(builder.finish().image).toEqual(image);
});
