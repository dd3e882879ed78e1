import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partitionChange, written } from '../metadata/image-fixture.ts';
import { type BrokerImage, ConfigResource, EMPTY_IMAGE, type MetadataImage } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { ZERO_UUID } from '../std/mod.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import {
  alterClientQuotas,
  alterConfigs,
  alterReassignments,
  ConfigOperation,
  type ConfigRules,
  createPartitions,
  createTopics,
  type Decision,
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

const rules: ConfigRules = {
  problemOf: (_type, _name, overrides) => (overrides.has('bad') ? 'bad is bad' : undefined),
  isList: (_type, name) => name === 'list',
  defaultList: () => ['default'],
};
const defaults = { partitionCount: 3, replicationFactor: 2 };
const random = new SeededRandom(1);

function write(image: MetadataImage, { records }: Pick<Decision<unknown>, 'records'>): MetadataImage {
  return written(image, records);
}
const registration = (brokerId: number, incarnationId = ZERO_UUID) => ({
  brokerId,
  incarnationId,
  endpoints: [],
  rack: null,
  directories: [],
  features: [],
});
const epochOf = (image: MetadataImage, id: number): number => image.brokers.get(id)?.epoch ?? -1;
const unfenced = (image: MetadataImage, id: number): MetadataImage =>
  write(image, unfence(image, id, epochOf(image, id)));
function cluster(count: number): MetadataImage {
  let image = EMPTY_IMAGE;
  for (let id = 0; id < count; id++) image = unfenced(write(image, register(image, registration(id))), id);
  return image;
}
const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  partitionCount: -1,
  replicationFactor: -1,
  assignments: [],
  configs: new Map(),
  ...more,
});
const create = (image: MetadataImage, topics: readonly NewTopic[], validateOnly = false) =>
  createTopics(image, topics, { defaults, rules, random, validateOnly });
const assigned = (...lists: (readonly [number, readonly number[]])[]): Partial<NewTopic> => ({
  assignments: lists.map(([partition, brokerIds]) => ({ partition, brokerIds })),
});
const three = cluster(3);
const withTopic = write(three, create(three, [topic('a.b', { configs: new Map([['x', '1']]) })]));
const topicId = withTopic.topicsByName.get('a.b')?.id ?? '';

describe('a request for more than 10,000 partitions is refused as a whole', () => {
  const tooLarge = { code: 'store.tooLarge', message: 'Excessively large number of partitions per request.' };
  const thrown = (act: () => unknown): unknown => {
    try {
      return act();
    } catch (error) {
      return error;
    }
  };
  const many = (name: string, partitionCount: number) => topic(name, { partitionCount, replicationFactor: 1 });
  const half = write(three, create(three, [many('a', 5000), many('b', 5000)]));

  test('whichever way its topics say how many', () => {
    expect(half.topicsByName.size).toBe(2);
    const given = topic('c', assigned(...Array.from({ length: 4998 }, (_, at) => [at, [0]] as const)));
    expect(create(three, [many('a', 5000), given, many('no', -2)]).result).toHaveLength(3);
    expect(thrown(() => create(three, [many('a', 5000), given, topic('b')]))).toMatchObject(tooLarge);
  });

  test('also when topics grow', () => {
    const grow = (...counts: [string, number][]) =>
      createPartitions(
        half,
        counts.map(([name, count]) => ({ name, count, assignments: null })),
        { random, validateOnly: false },
      );
    expect(grow(['a', 10_000], ['b', 10_000], ['unknown', 9]).records).toHaveLength(10_000);
    expect(thrown(() => grow(['a', 10_001], ['b', 10_000]))).toMatchObject(tooLarge);
  });

  test('also when leaders or replicas are to change', () => {
    const message = 'Unable to perform excessively large batch operation.';
    const others = write(half, create(half, [many('c', 1)]));
    const targets = [...others.topicsByName.values()].flatMap(({ name, partitions }) =>
      partitions.map(({ partition }) => ({ topic: name, partition })),
    );
    const move = (count: number) =>
      alterReassignments(
        others,
        targets.slice(0, count).map((target) => ({ ...target, replicas: [0, 1, 2] })),
        { rules: elections, allowsReplicationFactorChange: true },
      );
    expect(move(10_000).records).toHaveLength(10_000);
    expect(thrown(() => move(10_001))).toMatchObject({ code: 'store.tooLarge', message });
    const away = written(
      others,
      targets.map(({ topic: name, partition: partitionId }) =>
        partitionChange({ topicId: others.topicsByName.get(name)?.id ?? '', partitionId, leader: -1 }),
      ),
    );
    expect(elect(away, 'unclean', targets.slice(1)).records).toHaveLength(10_000);
    expect(thrown(() => elect(away, 'unclean', null))).toMatchObject({ code: 'store.tooLarge', message });
  });
});

describe('topics that are refused say why', () => {
  const unknownBroker = 'The manual partition assignment includes broker 9, but no such broker is registered.';
  const nonPositive = 'Number of partitions was set to an invalid non-positive value.';
  const factor = 'Replication factor must be larger than 0, or -1 to use the default value.';
  const cases: readonly (readonly [string, NewTopic, number, string])[] = [
    ['exists', topic('a.b'), ErrorCode.TOPIC_ALREADY_EXISTS, "Topic 'a.b' already exists."],
    ['collides', topic('a_b'), ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic 'a_b' collides with existing topic: a.b"],
    ['no name', topic(''), ErrorCode.INVALID_TOPIC_EXCEPTION, 'Topic name is invalid: the empty string is not allowed'],
    ['a dot', topic('.'), ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '.' is not allowed"],
    ['two dots', topic('..'), ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '..' is not allowed"],
    ['internal', topic('__cluster_metadata'), ErrorCode.INVALID_REQUEST, 'Creation of internal topic'],
    ['characters', topic('ä'), ErrorCode.INVALID_TOPIC_EXCEPTION, 'other than ASCII alphanumerics'],
    ['length', topic('x'.repeat(250)), ErrorCode.INVALID_TOPIC_EXCEPTION, 'longer than the max allowed length 249'],
    ['no partitions', topic('t', { partitionCount: 0 }), ErrorCode.INVALID_PARTITIONS, nonPositive],
    ['negative partitions', topic('t', { partitionCount: -2 }), ErrorCode.INVALID_PARTITIONS, nonPositive],
    ['no replicas', topic('t', { replicationFactor: 0 }), ErrorCode.INVALID_REPLICATION_FACTOR, factor],
    ['negative replicas', topic('t', { replicationFactor: -2 }), ErrorCode.INVALID_REPLICATION_FACTOR, factor],
    [
      'too many replicas',
      topic('t', { replicationFactor: 4 }),
      ErrorCode.INVALID_REPLICATION_FACTOR,
      'only 3 broker(s) are registered.',
    ],
    [
      'assignment and partitions',
      topic('t', { ...assigned([0, [0]]), partitionCount: 1 }),
      ErrorCode.INVALID_REQUEST,
      'numPartitions was not set to -1',
    ],
    [
      'assignment and replicas',
      topic('t', { ...assigned([0, [0]]), replicationFactor: 1 }),
      ErrorCode.INVALID_REQUEST,
      'replication factor was not set to -1',
    ],
    ['gap', topic('t', assigned([0, [0]], [2, [1]])), ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'consecutive 0-based'],
    ['negative index', topic('t', assigned([-1, [0]])), ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'consecutive 0-based'],
    ['index twice', topic('t', assigned([0, [0]], [0, [1]])), ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'multiple'],
    ['nobody', topic('t', assigned([0, []])), ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'empty replica list'],
    [
      'broker twice',
      topic('t', assigned([0, [1, 1]])),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      'broker 1 more than once',
    ],
    ['unknown broker', topic('t', assigned([0, [9]])), ErrorCode.INVALID_REPLICA_ASSIGNMENT, unknownBroker],
    [
      'uneven',
      topic('t', assigned([0, [0, 1]], [1, [2]])),
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      'previous partitions, which have 2 replica(s)',
    ],
    ['config', topic('t', { configs: new Map([['bad', '1']]) }), ErrorCode.INVALID_CONFIG, 'bad is bad'],
    [
      'null config',
      topic('t', { configs: new Map([['x', null]]) }),
      ErrorCode.INVALID_CONFIG,
      'Null value not supported for topic configs: x',
    ],
  ];
  for (const [what, asked, code, message] of cases) {
    test(`${what}, and a good topic of the same request is created`, () => {
      for (const validateOnly of [false, true]) {
        const decision = create(withTopic, [asked, topic('good')], validateOnly);
        const [refused, good] = decision.result;
        expect(refused).toMatchObject({ name: asked.name, errorCode: code, topicId: ZERO_UUID, partitionCount: -1 });
        expect(refused?.errorMessage).toContain(message);
        expect(good).toMatchObject({ errorCode: ErrorCode.NONE, partitionCount: 3, replicationFactor: 2 });
        const names = [...write(withTopic, decision).topicsByName.keys()];
        expect(names).toEqual(validateOnly ? ['a.b'] : ['a.b', 'good']);
      }
    });
  }

  test('two names of one request that differ in dots and underscores collide with each other', () => {
    const { result } = create(three, [topic('x.y'), topic('x_y')]);
    expect(result.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.NONE, ErrorCode.INVALID_TOPIC_EXCEPTION]);
  });
});

test('a manual assignment is taken as it is, in any order of partitions', () => {
  const decision = create(three, [topic('t', assigned([1, [2, 0]], [0, [1, 2]]))]);
  expect(decision.result).toMatchObject([{ errorCode: ErrorCode.NONE, partitionCount: 2, replicationFactor: 2 }]);
  const partitions = write(three, decision).topicsByName.get('t')?.partitions;
  expect(partitions).toMatchObject([
    { replicas: [1, 2], leader: 1, inSyncReplicas: [1, 2], leaderEpoch: 0 },
    { replicas: [2, 0], leader: 2, inSyncReplicas: [2, 0], leaderEpoch: 0 },
  ]);
});

describe('deleting', () => {
  const codes = (...selectors: { name: string | null; id: string }[]) =>
    deleteTopics(withTopic, selectors).result.map(({ errorCode }) => errorCode);

  test('names and ids that are unknown, doubled or missing are refused each in its way', () => {
    const unknownId = Buffer.alloc(16, 9).toString('base64url');
    const known = { name: 'a.b', id: ZERO_UUID };
    expect(codes({ name: null, id: unknownId })).toEqual([ErrorCode.UNKNOWN_TOPIC_ID]);
    expect(codes({ name: 'no', id: ZERO_UUID })).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(codes(known, known)).toEqual([ErrorCode.INVALID_REQUEST]);
    expect(codes(known, { name: null, id: topicId })).toEqual([ErrorCode.INVALID_REQUEST]);
    expect(codes({ name: 'no', id: ZERO_UUID }, known)[1]).toBe(ErrorCode.NONE);
  });

  test('a topic made again under its name has a new id and none of the old configs', () => {
    const gone = write(withTopic, deleteTopics(withTopic, [{ name: null, id: topicId }]));
    const again = write(gone, create(gone, [topic('a.b')]));
    expect(again.topicsByName.get('a.b')?.id).not.toBe(topicId);
    expect(again.configs.size).toBe(0);
  });
});

test('added partitions are judged as those of a new topic, and validation alone adds none', () => {
  const grow = (count: number, assignments: number[][] | null = null, name = 'a.b', validateOnly = false) =>
    createPartitions(withTopic, [{ name, count, assignments }], { random, validateOnly });
  const code = (decision: ReturnType<typeof grow>) => decision.result[0]?.errorCode;
  expect(code(grow(4, null, 'no'))).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  expect(grow(3).result[0]?.errorMessage).toBe('Topic already has 3 partition(s).');
  for (const wrong of [
    [],
    [
      [0, 1],
      [1, 2],
    ],
    [[0]],
    [[0, 0]],
    [[0, 9]],
    [[]],
  ]) {
    expect(code(grow(4, wrong))).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  }
  expect(grow(5, null, 'a.b', true)).toMatchObject({ records: [], result: [{ errorCode: ErrorCode.NONE }] });
  const grown = write(withTopic, grow(4, [[2, 0]])).topicsByName.get('a.b');
  expect(grown?.partitions[3]).toMatchObject({ partition: 3, replicas: [2, 0], leader: 2 });
  expect(grown?.partitions.slice(0, 3)).toEqual(withTopic.topicsByName.get('a.b')?.partitions);
  const one = { name: 'a.b', count: 4, assignments: null };
  const twice = createPartitions(withTopic, [one, one], { random, validateOnly: false });
  expect([twice.records.length, twice.result.length, code(twice)]).toEqual([0, 1, ErrorCode.INVALID_REQUEST]);
});

describe('configs', () => {
  const { set, append, subtract } = ConfigOperation;
  const remove = ConfigOperation.delete;
  const alter = (
    changes: readonly (readonly [string, number, string | null])[],
    more: { type?: number; name?: string; replacesAll?: boolean; validateOnly?: boolean } = {},
  ) => {
    const resource = {
      resourceType: more.type ?? ConfigResource.topic,
      resourceName: more.name ?? 'a.b',
      replacesAll: more.replacesAll ?? false,
      changes: changes.map(([name, operation, value]) => ({ name, operation, value })),
    };
    return alterConfigs(withTopic, [resource], { rules, validateOnly: more.validateOnly ?? false });
  };
  const overridesAfter = (...asked: Parameters<typeof alter>) =>
    Object.fromEntries(write(withTopic, alter(...asked)).configs.get('2/a.b') ?? []);

  test('a list starts from its default, takes each element once, and loses those subtracted', () => {
    expect(overridesAfter([['list', append, 'b,b, default ,c']])).toEqual({ x: '1', list: 'default,b,c' });
    expect(overridesAfter([['list', subtract, 'default,no']])).toEqual({ x: '1', list: '' });
  });

  test('a value that no record could hold is refused, also when it comes to be so long by appending', () => {
    const long = Array.from({ length: 2500 }, (_, at) => `${at}:123456`).join(',');
    expect(alter([['list', append, long]]).result[0]?.errorCode).toBe(ErrorCode.NONE);
    for (const asked of [
      alter([['list', append, `${long},${long.replaceAll(':', 'x')}`]]),
      alter([['y', set, 'ü'.repeat(16_384)]]),
    ]) {
      const errorMessage =
        'The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.';
      expect(asked).toMatchObject({ records: [], result: [{ errorCode: ErrorCode.INVALID_CONFIG, errorMessage }] });
    }
    expect(alter([['y', set, 'x'.repeat(32_767)]]).result[0]?.errorCode).toBe(ErrorCode.NONE);
  });

  test('deleting what is not set writes nothing, nor does setting what is set already', () => {
    expect(alter([['y', remove, null]])).toMatchObject({ records: [], result: [{ errorCode: ErrorCode.NONE }] });
    expect(alter([['x', set, '1']]).records).toEqual([]);
    expect(alter([['y', set, '1']], { validateOnly: true }).records).toEqual([]);
  });

  test('the legacy form with nothing in it clears the resource', () => {
    expect(overridesAfter([], { replacesAll: true })).toEqual({});
    expect(overridesAfter([])).toEqual({ x: '1' });
  });

  test('the whole result is judged, and nothing of a refused resource is written', () => {
    const cases: readonly (readonly [ReturnType<typeof alter>, number])[] = [
      [
        alter([
          ['y', set, '1'],
          ['bad', set, '1'],
        ]),
        ErrorCode.INVALID_CONFIG,
      ],
      [alter([['x', append, '1']]), ErrorCode.INVALID_CONFIG],
      [alter([['y', 7, '1']]), ErrorCode.INVALID_REQUEST],
      [alter([['y', append, null]]), ErrorCode.INVALID_REQUEST],
      [
        alter([
          ['y', set, '1'],
          ['y', remove, null],
        ]),
        ErrorCode.INVALID_REQUEST,
      ],
      [alter([['y', set, '1']], { name: 'no' }), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      [alter([['y', set, '1']], { name: '' }), ErrorCode.INVALID_REQUEST],
      [alter([['y', set, '1']], { type: ConfigResource.broker, name: '9' }), ErrorCode.INVALID_REQUEST],
      [alter([['y', set, '1']], { type: ConfigResource.broker, name: 'x' }), ErrorCode.INVALID_REQUEST],
      [alter([['y', set, '1']], { type: ConfigResource.group, name: '' }), ErrorCode.INVALID_REQUEST],
      [alter([['y', set, '1']], { type: 77 }), ErrorCode.INVALID_REQUEST],
    ];
    for (const [{ records, result }, code] of cases) expect([records, result[0]?.errorCode]).toEqual([[], code]);
    for (const name of ['', '2']) {
      expect(alter([['y', set, '1']], { type: ConfigResource.broker, name }).result[0]?.errorCode).toBe(0);
    }
  });

  test('a resource twice in one request is refused both times, beside another that is not', () => {
    const one = (resourceName: string) => ({
      resourceType: ConfigResource.broker,
      resourceName,
      replacesAll: false,
      changes: [{ name: 'y', operation: set, value: '1' }],
    });
    const { records, result } = alterConfigs(withTopic, [one('0'), one('1'), one('0')], { rules, validateOnly: false });
    const refused = ErrorCode.INVALID_REQUEST;
    expect(result.map(({ errorCode }) => errorCode)).toEqual([refused, ErrorCode.NONE, refused]);
    expect(records).toMatchObject([{ resourceName: '1' }]);
  });
});

describe('quotas', () => {
  const alter = (
    entity: readonly (readonly [string, string | null])[],
    ops: readonly (readonly [string, number | null])[],
    image = three,
  ) =>
    alterClientQuotas(
      image,
      [
        {
          entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
          ops: ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
        },
      ],
      { validateOnly: false },
    );

  test('entities and keys that make no sense are refused', () => {
    const rate: [string, number] = ['producer_byte_rate', 1];
    const user: [string, string] = ['user', 'u'];
    const cases = [
      alter([], [rate]),
      alter([user, user], [rate]),
      alter([['group', 'g']], [rate]),
      alter([['ip', '1.2.3.4'], user], [['connection_creation_rate', 1]]),
      alter([['user', '']], [rate]),
      alter([user], [rate, rate]),
      alter([user], [['connection_creation_rate', 1]]),
      alter([['ip', '1.2.3.4']], [rate]),
      alter([user], [['producer_byte_rate', 0]]),
      alter([user], [['producer_byte_rate', Number.NaN]]),
    ];
    for (const { records, result } of cases) {
      expect([records, result[0]?.errorCode]).toEqual([[], ErrorCode.INVALID_REQUEST]);
    }
  });

  test('a quota is set, written only when it changes, and removed', () => {
    const set = alter([['user', null]], [['producer_byte_rate', 5]]);
    const image = write(three, set);
    expect([...image.quotas.values()].map(({ values }) => Object.fromEntries(values))).toEqual([
      { producer_byte_rate: 5 },
    ]);
    expect(alter([['user', null]], [['producer_byte_rate', 5]], image).records).toEqual([]);
    expect(alter([['user', 'u']], [['producer_byte_rate', null]], image).records).toEqual([]);
    expect(write(image, alter([['user', null]], [['producer_byte_rate', null]], image)).quotas.size).toBe(0);
  });
});

describe('brokers and leaders', () => {
  const INCARNATION = Buffer.alloc(16, 5).toString('base64url');
  const one = cluster(1);
  const alone = write(one, create(one, [topic('t', { replicationFactor: 1, partitionCount: 2 })]));

  test('a broker that registers again is fenced under a new epoch, and leads under new epochs once it serves', () => {
    const fenced = write(alone, register(alone, registration(0, INCARNATION)));
    expect(fenced.brokers.get(0)).toMatchObject({ isFenced: true, epoch: alone.nextOffset });
    const stale = unfence(fenced, 0, epochOf(alone, 0));
    expect([stale.records, stale.result.errorCode]).toEqual([[], ErrorCode.STALE_BROKER_EPOCH]);
    const back = unfenced(fenced, 0);
    const partitions = back.topicsByName.get('t')?.partitions;
    expect(partitions).toMatchObject([0, 1].map(() => ({ leader: 0, leaderEpoch: 2, inSyncReplicas: [0] })));
    expect(unfence(back, 0, epochOf(back, 0)).records).toEqual([]);
  });

  test('the same incarnation registering twice changes nothing', () => {
    expect(register(alone, registration(0)).records).toEqual([]);
  });

  test('no topic is made while nobody serves', () => {
    const fenced = write(EMPTY_IMAGE, register(EMPTY_IMAGE, registration(0)));
    const placed = create(fenced, [topic('t', { replicationFactor: 1 })]);
    expect([placed.records, placed.result[0]?.errorCode]).toEqual([[], ErrorCode.INVALID_REPLICATION_FACTOR]);
    const assignedToFenced = create(fenced, [topic('t', assigned([0, [0]]))]);
    expect(assignedToFenced.result[0]?.errorCode).toBe(ErrorCode.INVALID_REPLICA_ASSIGNMENT);
  });

  test('elections give the preferred leader, or any at all when asked to, or say why not', () => {
    const made = write(three, create(three, [topic('t', assigned([0, [0, 1]], [1, [2, 1]]))]));
    const moved = write(made, {
      records: [
        partitionChange({ topicId: made.topicsByName.get('t')?.id ?? '', isr: [0, 1], leader: 1 }),
        partitionChange({ topicId: made.topicsByName.get('t')?.id ?? '', partitionId: 1, isr: [1], leader: -1 }),
      ],
    });
    const wanted = [0, 1, 2].map((partition) => ({ topic: 't', partition }));
    const preferred = elect(moved, 'preferred', wanted);
    // A partition without a leader gets one that is not preferred rather than none, as in Kafka.
    expect(preferred.result.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.NONE,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    const other = write(moved, preferred);
    expect(other.topicsByName.get('t')?.partitions[1]).toMatchObject({ leader: 1, inSyncReplicas: [1] });
    expect(elect(other, 'preferred', [{ topic: 't', partition: 1 }]).result).toMatchObject([
      { errorCode: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE },
    ]);
    expect(write(moved, preferred).topicsByName.get('t')?.partitions[0]).toMatchObject({ leader: 0, leaderEpoch: 2 });
    const any = elect(moved, 'unclean', null);
    expect(any.result).toMatchObject([{ partition: 1, errorCode: ErrorCode.NONE }]);
    const elected = write(moved, any).topicsByName.get('t')?.partitions[1];
    expect(elected).toMatchObject({ leader: 1, inSyncReplicas: [1], isRecovering: false });
    const dead = write(moved, register(moved, registration(1, INCARNATION)));
    const unclean = write(dead, elect(dead, 'unclean', [{ topic: 't', partition: 1 }])).topicsByName.get('t');
    expect(unclean?.partitions[1]).toMatchObject({ leader: 2, inSyncReplicas: [2], isRecovering: true });
    const nobody = write(dead, register(dead, registration(2, INCARNATION)));
    expect(elect(nobody, 'unclean', [{ topic: 't', partition: 1 }]).result).toMatchObject([
      { errorCode: ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE },
    ]);
  });
});

test('replicas go to distinct brokers over as many racks as there are, the living first, with leaders in turn', () => {
  const brokers = fc.array(fc.record({ rack: fc.constantFrom(null, 'a', 'b', 'c'), isFenced: fc.boolean() }), {
    minLength: 1,
    maxLength: 9,
  });
  fc.assert(
    fc.property(brokers, fc.nat(), fc.nat(), fc.nat({ max: 5 }), (drawn, seed, wanted, firstPartition) => {
      const all = drawn.map(
        (broker, id): BrokerImage => ({
          ...broker,
          id,
          epoch: id,
          incarnationId: ZERO_UUID,
          endpoints: [],
          isShuttingDown: false,
          directories: [],
          features: [],
        }),
      );
      const alive = all.filter(({ isFenced }) => !isFenced);
      const leaders = alive.length > 0 ? alive : all;
      const replicationFactor = 1 + (wanted % all.length);
      const placed = placeReplicas({
        brokers: all,
        partitionCount: leaders.length * 2,
        replicationFactor,
        firstPartition,
        random: new SeededRandom(seed),
      });
      for (const ids of placed) {
        expect(new Set(ids).size).toBe(replicationFactor);
        const living = ids.filter((id) => all[id]?.isFenced === false);
        expect(living.length).toBe(Math.min(replicationFactor, alive.length));
        const racks = new Set(alive.map(({ rack }) => rack));
        expect(new Set(living.map((id) => all[id]?.rack)).size).toBe(Math.min(living.length, racks.size));
      }
      for (const { id } of leaders) expect(placed.filter(([leader]) => leader === id).length).toBe(2);
    }),
    { numRuns: 300 },
  );
});
