/** Topics: creation, growth, deletion, and the ways to look at them. */

import type { Session } from '../session.ts';
import type { Body } from '../untyped-call.ts';
import { cases } from './scenario.ts';

const topicOf = (s: Session, options: Body = {}): Body => ({
  name: s.name('t'),
  numPartitions: 1,
  replicationFactor: 1,
  ...options,
});
const created = (s: Session, options: Body = {}, request: Body = {}) =>
  s.ask({ timeoutMs: 10_000, topics: [topicOf(s, options)], ...request });
const withConfig = (name: string, value: string | null) => (s: Session) => created(s, { configs: [{ name, value }] });

export const createTopics = cases('CreateTopics', [
  ['a topic', async (s) => created(s)],
  [
    'several partitions and configs',
    async (s) =>
      created(s, {
        numPartitions: 3,
        configs: [
          { name: 'retention.ms', value: '1000' },
          { name: 'cleanup.policy', value: 'compact,delete' },
        ],
      }),
  ],
  [
    'the broker decides about partitions and replicas',
    async (s) => created(s, { numPartitions: -1, replicationFactor: -1 }),
    { from: 4 },
  ],
  [
    'a topic that exists',
    async (s) => {
      await s.topic('t');
      await created(s);
    },
  ],
  [
    'a topic that exists, only validated',
    async (s) => {
      await s.topic('t');
      await created(s, {}, { validateOnly: true });
    },
  ],
  [
    'only validated',
    async (s) => {
      await created(s, {}, { validateOnly: true });
      await s.observe('DescribeTopicPartitions', { topics: [{ name: s.name('t') }] });
    },
  ],
  [
    'the same topic twice',
    async (s) => s.ask({ timeoutMs: 10_000, topics: [topicOf(s), topicOf(s), topicOf(s, { name: s.name('u') })] }),
  ],
  [
    'a name that collides',
    async (s) => {
      await s.topic('a.b');
      await created(s, { name: s.name('a_b') });
    },
  ],
  ['no partitions', async (s) => created(s, { numPartitions: 0 })],
  ['a negative number of partitions', async (s) => created(s, { numPartitions: -2 })],
  ['no replicas', async (s) => created(s, { replicationFactor: 0 })],
  ['more replicas than brokers', async (s) => created(s, { replicationFactor: 2 })],
  ['a negative number of replicas', async (s) => created(s, { replicationFactor: -2 })],
  ['an empty name', async (s) => created(s, { name: '' })],
  ['a dot', async (s) => created(s, { name: '.' })],
  ['two dots', async (s) => created(s, { name: '..' })],
  ['a name with a space', async (s) => created(s, { name: 'a b' })],
  ['a name that is too long', async (s) => created(s, { name: 'x'.repeat(250) })],
  ['the longest name', async (s) => created(s, { name: `${s.name('t')}-`.padEnd(249, 'x') })],
  [
    'an internal topic',
    async (s) => created(s, { name: '__transaction_state', numPartitions: 1 }, { validateOnly: true }),
  ],
  [
    'an assignment',
    async (s) =>
      created(s, {
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 1, brokerIds: [1] },
        ],
      }),
  ],
  [
    'an assignment beside a number of partitions',
    async (s) => created(s, { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
  ],
  [
    'an assignment to an unknown broker',
    async (s) =>
      created(s, { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [7] }] }),
  ],
  [
    'an assignment with a broker twice',
    async (s) =>
      created(s, { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] }),
  ],
  [
    'an assignment to nobody',
    async (s) =>
      created(s, { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [] }] }),
  ],
  [
    'an assignment with a hole',
    async (s) =>
      created(s, { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 1, brokerIds: [1] }] }),
  ],
  [
    'an assignment to a negative broker',
    async (s) =>
      created(s, { numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [-1] }] }),
  ],
  ['an unknown config', withConfig('no.such.config', '1')],
  ['a config out of range', withConfig('retention.bytes', '-2')],
  ['a config that is no number', withConfig('retention.ms', 'soon')],
  ['a config that is null', withConfig('retention.ms', null)],
  ['an unknown cleanup policy', withConfig('cleanup.policy', 'burn')],
  ['an empty cleanup policy', withConfig('cleanup.policy', '')],
  ['an unknown compression', withConfig('compression.type', 'rar')],
  ['a boolean that is none', withConfig('preallocate', 'maybe')],
  ['a ratio above one', withConfig('min.cleanable.dirty.ratio', '1.5')],
  ['a segment that is too small', withConfig('segment.bytes', '13')],
  ['more in sync than replicas', withConfig('min.insync.replicas', '3')],
  ['no in sync replicas', withConfig('min.insync.replicas', '0')],
  [
    'a minimal lag above the maximal',
    async (s) =>
      created(s, {
        configs: [
          { name: 'min.compaction.lag.ms', value: '20' },
          { name: 'max.compaction.lag.ms', value: '10' },
        ],
      }),
  ],
  [
    'local retention above retention',
    async (s) =>
      created(s, {
        configs: [
          { name: 'retention.ms', value: '20' },
          { name: 'local.retention.ms', value: '30' },
        ],
      }),
  ],
  ['remote storage where there is none', withConfig('remote.storage.enable', 'true')],
  ['the removed message format', withConfig('message.format.version', '2.0')],
  [
    'a good one beside a bad one',
    async (s) =>
      s.ask({ timeoutMs: 10_000, topics: [topicOf(s), topicOf(s, { name: s.name('u'), replicationFactor: 9 })] }),
  ],
  ['no topics', async (s) => s.ask({ timeoutMs: 10_000, topics: [] })],
  [
    'more partitions than a request may have',
    async (s) => {
      const many = ['t', 'u', 'v'].map((name) => topicOf(s, { name: s.name(name), numPartitions: 4000 }));
      await s.ask({ timeoutMs: 10_000, topics: many });
    },
  ],
]);

const deletedNames = (s: Session, names: readonly string[]) =>
  s.ask(
    s.version >= 6
      ? { timeoutMs: 10_000, topics: names.map((name) => ({ name })) }
      : { timeoutMs: 10_000, topicNames: names },
  );

export const deleteTopics = cases('DeleteTopics', [
  [
    'by name',
    async (s) => {
      await s.topic('t');
      await deletedNames(s, [s.name('t')]);
      await deletedNames(s, [s.name('t')]);
    },
  ],
  ['an unknown name', async (s) => deletedNames(s, [s.name('missing')])],
  [
    'a name twice',
    async (s) => {
      await s.topic('t');
      await deletedNames(s, [s.name('t'), s.name('t')]);
    },
  ],
  [
    'a good one beside an unknown one',
    async (s) => {
      await s.topic('t');
      await deletedNames(s, [s.name('t'), s.name('missing')]);
    },
  ],
  ['an empty name', async (s) => deletedNames(s, [''])],
  [
    'by id',
    async (s) => s.ask({ timeoutMs: 10_000, topics: [{ name: null, topicId: await s.topic('t') }] }),
    { from: 6 },
  ],
  [
    'an unknown id',
    async (s) => s.ask({ timeoutMs: 10_000, topics: [{ name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }] }),
    { from: 6 },
  ],
  ['the zero id', async (s) => s.ask({ timeoutMs: 10_000, topics: [{ name: null }] }), { from: 6 }],
  [
    'by name and id',
    async (s) => s.ask({ timeoutMs: 10_000, topics: [{ name: s.name('t'), topicId: await s.topic('t') }] }),
    { from: 6 },
  ],
  [
    'by id, and by name again',
    async (s) => {
      const topicId = await s.topic('t');
      await s.ask({ timeoutMs: 10_000, topics: [{ name: null, topicId }, { name: s.name('t') }] });
    },
    { from: 6 },
  ],
  ['no topics', async (s) => deletedNames(s, [])],
]);

const grown = (s: Session, count: number, options: Body = {}, request: Body = {}) =>
  s.ask({ timeoutMs: 10_000, topics: [{ name: s.name('t'), count, assignments: null, ...options }], ...request });

export const createPartitions = cases('CreatePartitions', [
  [
    'more partitions',
    async (s) => {
      await s.topic('t');
      await grown(s, 3);
      await s.observe('DescribeTopicPartitions', { topics: [{ name: s.name('t') }] });
    },
  ],
  [
    'as many as there are',
    async (s) => {
      await s.topic('t', { partitions: 2 });
      await grown(s, 2);
    },
  ],
  [
    'fewer than there are',
    async (s) => {
      await s.topic('t', { partitions: 2 });
      await grown(s, 1);
    },
  ],
  [
    'none',
    async (s) => {
      await s.topic('t');
      await grown(s, 0);
    },
  ],
  [
    'a negative number',
    async (s) => {
      await s.topic('t');
      await grown(s, -1);
    },
  ],
  [
    'only validated',
    async (s) => {
      await s.topic('t');
      await grown(s, 3, {}, { validateOnly: true });
      await grown(s, 2);
    },
  ],
  ['an unknown topic', async (s) => grown(s, 3)],
  [
    'the same topic twice',
    async (s) => {
      await s.topic('t');
      const topic = { name: s.name('t'), count: 3, assignments: null };
      await s.ask({ timeoutMs: 10_000, topics: [topic, topic] });
    },
  ],
  [
    'with an assignment',
    async (s) => {
      await s.topic('t');
      await grown(s, 2, { assignments: [{ brokerIds: [1] }] });
    },
  ],
  [
    'an assignment that is too short',
    async (s) => {
      await s.topic('t');
      await grown(s, 3, { assignments: [{ brokerIds: [1] }] });
    },
  ],
  [
    'an assignment to an unknown broker',
    async (s) => {
      await s.topic('t');
      await grown(s, 2, { assignments: [{ brokerIds: [9] }] });
    },
  ],
  [
    'an assignment with a broker twice',
    async (s) => {
      await s.topic('t');
      await grown(s, 2, { assignments: [{ brokerIds: [1, 1] }] });
    },
  ],
  [
    'an assignment to nobody',
    async (s) => {
      await s.topic('t');
      await grown(s, 2, { assignments: [{ brokerIds: [] }] });
    },
  ],
  ['no topics', async (s) => s.ask({ timeoutMs: 10_000 })],
]);

const seen = (s: Session, topics: readonly Body[] | null, request: Body = {}) =>
  s.ask({ topics, ...(s.version >= 4 ? { allowAutoTopicCreation: false } : {}), ...request });

export const metadata = cases('Metadata', [
  [
    'a topic by name',
    async (s) => {
      await s.topic('t', { partitions: 3 });
      await seen(s, [{ name: s.name('t') }]);
    },
  ],
  ['an unknown topic', async (s) => seen(s, [{ name: s.name('missing') }]), { from: 4 }],
  ['a topic that cannot have that name', async (s) => seen(s, [{ name: 'no spaces' }])],
  ['an empty name', async (s) => seen(s, [{ name: '' }])],
  ['no topics', async (s) => seen(s, []), { from: 1 }],
  [
    'the same topic twice',
    async (s) => {
      await s.topic('t');
      await seen(s, [{ name: s.name('t') }, { name: s.name('t') }]);
    },
  ],
  [
    'a known one beside an unknown one',
    async (s) => {
      await s.topic('t');
      await seen(s, [{ name: s.name('missing') }, { name: s.name('t') }]);
    },
    { from: 4 },
  ],
  [
    'authorized operations of the topic',
    async (s) => {
      await s.topic('t');
      await seen(s, [{ name: s.name('t') }], { includeTopicAuthorizedOperations: true });
    },
    { from: 8 },
  ],
  [
    'authorized operations of the cluster',
    async (s) => seen(s, [], { includeClusterAuthorizedOperations: true }),
    { from: 8, to: 10 },
  ],
  ['by id', async (s) => seen(s, [{ name: null, topicId: await s.topic('t') }]), { from: 12 }],
  ['an unknown id', async (s) => seen(s, [{ name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }]), { from: 12 }],
  ['neither name nor id', async (s) => seen(s, [{ name: null }]), { from: 10 }],
  [
    'an id before ids could be asked for',
    async (s) => seen(s, [{ name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }]),
    { from: 10, to: 11 },
  ],
  [
    'a name and an id',
    async (s) => {
      const topicId = await s.topic('t');
      await seen(s, [{ name: s.name('t'), topicId }]);
    },
    { from: 12 },
  ],
  [
    'creates a topic',
    async (s) => {
      await s.ask({ topics: [{ name: s.name('auto') }], ...(s.version >= 4 ? { allowAutoTopicCreation: true } : {}) });
      await s.until(
        'Metadata',
        () => ({ topics: [{ name: s.name('auto') }], allowAutoTopicCreation: false }),
        (r) => r.topics[0].errorCode === 0,
      );
      await seen(s, [{ name: s.name('auto') }]);
    },
  ],
  [
    'does not create what cannot be',
    async (s) =>
      s.ask({
        topics: [{ name: 'no spaces' }, { name: '' }],
        ...(s.version >= 4 ? { allowAutoTopicCreation: true } : {}),
      }),
  ],
]);

const described = (s: Session, request: Body) => s.ask({ responsePartitionLimit: 2000, ...request });

export const describeTopicPartitions = cases('DescribeTopicPartitions', [
  [
    'a topic',
    async (s) => {
      await s.topic('t', { partitions: 3 });
      await described(s, { topics: [{ name: s.name('t') }] });
    },
  ],
  [
    'several topics, in order of their names',
    async (s) => {
      await s.topic('a');
      await s.topic('b');
      await described(s, { topics: [{ name: s.name('b') }, { name: s.name('a') }, { name: s.name('c') }] });
    },
  ],
  ['an unknown topic', async (s) => described(s, { topics: [{ name: s.name('missing') }] })],
  ['a topic that cannot have that name', async (s) => described(s, { topics: [{ name: 'no spaces' }] })],
  [
    'a page at a time',
    async (s) => {
      await s.topic('a', { partitions: 3 });
      await s.topic('b', { partitions: 2 });
      const topics = [{ name: s.name('a') }, { name: s.name('b') }];
      let cursor = null;
      for (let page = 0; page < 4; page++) {
        const answer = await described(s, { topics, responsePartitionLimit: 2, cursor });
        cursor = answer.nextCursor;
        if (cursor === null || cursor === undefined) break;
      }
    },
  ],
  [
    'a cursor past the end',
    async (s) => {
      await s.topic('a', { partitions: 3 });
      await described(s, { topics: [{ name: s.name('a') }], cursor: { topicName: s.name('a'), partitionIndex: 9 } });
    },
  ],
  [
    'a cursor at an unknown topic',
    async (s) => {
      await s.topic('b');
      await described(s, { topics: [{ name: s.name('b') }], cursor: { topicName: s.name('a'), partitionIndex: 0 } });
    },
  ],
  [
    'a cursor with a negative partition',
    async (s) => {
      await s.topic('a');
      await described(s, { topics: [{ name: s.name('a') }], cursor: { topicName: s.name('a'), partitionIndex: -1 } });
    },
  ],
  [
    'a limit of zero',
    async (s) => {
      await s.topic('a');
      await described(s, { topics: [{ name: s.name('a') }], responsePartitionLimit: 0 });
    },
  ],
]);

const elected = (s: Session, topicPartitions: readonly Body[] | null, type = 0) =>
  s.ask({ timeoutMs: 10_000, topicPartitions, ...(s.version >= 1 ? { electionType: type } : {}) });

export const electLeaders = cases('ElectLeaders', [
  [
    'the preferred one leads',
    async (s) => {
      await s.topic('t');
      await elected(s, [{ topic: s.name('t'), partitions: [0] }]);
    },
  ],
  [
    'an unclean election that nobody needs',
    async (s) => {
      await s.topic('t');
      await elected(s, [{ topic: s.name('t'), partitions: [0] }], 1);
    },
    { from: 1 },
  ],
  [
    'an election that does not exist',
    async (s) => {
      await s.topic('t');
      await elected(s, [{ topic: s.name('t'), partitions: [0] }], 7);
    },
    { from: 1 },
  ],
  [
    'an unknown partition',
    async (s) => {
      await s.topic('t');
      await elected(s, [{ topic: s.name('t'), partitions: [4] }]);
    },
  ],
  ['an unknown topic', async (s) => elected(s, [{ topic: s.name('missing'), partitions: [0] }])],
  ['no partitions', async (s) => elected(s, [])],
  [
    'every partition there is',
    async (s) => {
      await s.topic('t');
      const answer = await elected(s, null);
      // Other cases make topics meanwhile.
      answer.replicaElectionResults = answer.replicaElectionResults.filter(
        ({ topic }: { topic: string }) => topic === s.name('t'),
      );
    },
  ],
]);

export const listPartitionReassignments = cases('ListPartitionReassignments', [
  ['none under way', async (s) => s.ask({ timeoutMs: 10_000, topics: null })],
  [
    'a topic',
    async (s) => {
      await s.topic('t');
      await s.ask({ timeoutMs: 10_000, topics: [{ name: s.name('t'), partitionIndexes: [0, 5] }] });
    },
  ],
  [
    'an unknown topic',
    async (s) => s.ask({ timeoutMs: 10_000, topics: [{ name: s.name('missing'), partitionIndexes: [0] }] }),
  ],
]);

export const describeLogDirs = cases('DescribeLogDirs', [
  [
    'a topic',
    async (s) => {
      await s.topic('t', { partitions: 2 });
      await s.ask({ topics: [{ topic: s.name('t'), partitions: [0, 1] }] });
    },
  ],
  [
    'one partition of it, and one that is unknown',
    async (s) => {
      await s.topic('t', { partitions: 2 });
      await s.ask({ topics: [{ topic: s.name('t'), partitions: [1, 9] }] });
    },
  ],
  ['an unknown topic', async (s) => s.ask({ topics: [{ topic: s.name('missing'), partitions: [0] }] })],
  ['no topics', async (s) => s.ask({ topics: [] })],
]);
