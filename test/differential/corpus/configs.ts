/** Configs of topics, brokers, groups and client metrics. */
import type { Session } from '../session.ts';
import type { Body } from '../untyped-call.ts';
import { cases } from './scenario.ts';

const TOPIC = 2;
const BROKER = 4;
const BROKER_LOGGER = 8;
const CLIENT_METRICS = 16;
const GROUP = 32;

const resource = (resourceType: number, resourceName: string, configurationKeys: readonly string[] | null = null) => ({
  resourceType,
  resourceName,
  configurationKeys,
});
const described = (s: Session, resources: readonly Body[], request: Body = {}) => s.ask({ resources, ...request });
const TEN_TOPIC_KEYS = [
  'retention.ms',
  'cleanup.policy',
  'segment.bytes',
  'min.insync.replicas',
  'max.message.bytes',
  'no.such.config',
];

export const describeConfigs = cases('DescribeConfigs', [
  [
    'every config of a topic',
    async (s) => {
      await s.topic('t', { configs: { 'retention.ms': '77' } });
      await described(s, [resource(TOPIC, s.name('t'))]);
    },
  ],
  [
    'synonyms',
    async (s) => {
      await s.topic('t', { configs: { 'retention.ms': '77' } });
      await described(s, [resource(TOPIC, s.name('t'))], { includeSynonyms: true });
    },
  ],
  [
    'documentation',
    async (s) => {
      await s.topic('t');
      await described(s, [resource(TOPIC, s.name('t'))], { includeDocumentation: true });
    },
    { from: 3 },
  ],
  [
    'some keys, one unknown',
    async (s) => {
      await s.topic('t');
      await described(s, [resource(TOPIC, s.name('t'), TEN_TOPIC_KEYS)], { includeSynonyms: true });
    },
  ],
  ['an unknown topic', async (s) => described(s, [resource(TOPIC, s.name('missing'))])],
  ['a topic that cannot have that name', async (s) => described(s, [resource(TOPIC, 'no spaces')])],
  ['an empty topic', async (s) => described(s, [resource(TOPIC, '')])],
  ['every config of the broker', async (s) => described(s, [resource(BROKER, '1')])],
  [
    'the broker, with synonyms',
    async (s) =>
      described(
        s,
        [resource(BROKER, '1', ['log.retention.ms', 'log.retention.hours', 'log.cleaner.threads', 'num.partitions'])],
        { includeSynonyms: true },
      ),
  ],
  ['the cluster-wide default', async (s) => described(s, [resource(BROKER, '')], { includeSynonyms: true })],
  ['an unknown broker', async (s) => described(s, [resource(BROKER, '77')])],
  ['a broker that is no number', async (s) => described(s, [resource(BROKER, 'one')])],
  ['loggers of an unknown broker', async (s) => described(s, [resource(BROKER_LOGGER, '77')])],
  ['loggers without a broker', async (s) => described(s, [resource(BROKER_LOGGER, '')])],
  ['a group', async (s) => described(s, [resource(GROUP, s.name('g'))], { includeSynonyms: true })],
  ['a group without a name', async (s) => described(s, [resource(GROUP, '')])],
  ['client metrics', async (s) => described(s, [resource(CLIENT_METRICS, s.name('m'))], { includeSynonyms: true })],
  ['client metrics without a name', async (s) => described(s, [resource(CLIENT_METRICS, '')])],
  ['a kind that does not exist', async (s) => described(s, [resource(3, 'x')])],
  [
    'several resources',
    async (s) => {
      await s.topic('t');
      await described(s, [
        resource(TOPIC, s.name('t'), ['retention.ms']),
        resource(TOPIC, s.name('missing')),
        resource(BROKER, '1', ['num.partitions']),
      ]);
    },
  ],
  ['nothing', async (s) => described(s, [])],
]);

const showTopic = (s: Session) =>
  s.observe('DescribeConfigs', {
    resources: [
      resource(TOPIC, s.name('t'), ['retention.ms', 'cleanup.policy', 'segment.bytes', 'min.insync.replicas']),
    ],
    includeSynonyms: true,
  });

const altered = (
  s: Session,
  resourceType: number,
  resourceName: string,
  configs: readonly Body[],
  request: Body = {},
) => s.ask({ resources: [{ resourceType, resourceName, configs }], ...request });

export const alterConfigs = cases('AlterConfigs', [
  [
    'replaces what was set',
    async (s) => {
      await s.topic('t', { configs: { 'retention.ms': '77' } });
      await altered(s, TOPIC, s.name('t'), [{ name: 'cleanup.policy', value: 'compact' }]);
      await showTopic(s);
    },
  ],
  [
    'only validated',
    async (s) => {
      await s.topic('t');
      await altered(s, TOPIC, s.name('t'), [{ name: 'retention.ms', value: '5' }], { validateOnly: true });
      await showTopic(s);
    },
  ],
  [
    'an unknown config',
    async (s) => {
      await s.topic('t');
      await altered(s, TOPIC, s.name('t'), [{ name: 'no.such.config', value: '5' }]);
    },
  ],
  [
    'a value that is bad',
    async (s) => {
      await s.topic('t');
      await altered(s, TOPIC, s.name('t'), [{ name: 'retention.ms', value: 'soon' }]);
    },
  ],
  [
    'a null value',
    async (s) => {
      await s.topic('t');
      await altered(s, TOPIC, s.name('t'), [{ name: 'retention.ms', value: null }]);
    },
  ],
  ['an unknown topic', async (s) => altered(s, TOPIC, s.name('missing'), [{ name: 'retention.ms', value: '5' }])],
  [
    'the same resource twice',
    async (s) => {
      await s.topic('t');
      const one = { resourceType: TOPIC, resourceName: s.name('t'), configs: [{ name: 'retention.ms', value: '5' }] };
      await s.ask({ resources: [one, one] });
    },
  ],
  [
    'the same config twice',
    async (s) => {
      await s.topic('t');
      await altered(s, TOPIC, s.name('t'), [
        { name: 'retention.ms', value: '5' },
        { name: 'retention.ms', value: '6' },
      ]);
    },
  ],
  [
    'a config of the broker that is fixed',
    async (s) => altered(s, BROKER, '1', [{ name: 'log.dirs', value: '/tmp/x' }], { validateOnly: true }),
  ],
  [
    'an unknown broker',
    async (s) => altered(s, BROKER, '77', [{ name: 'log.retention.ms', value: '5' }], { validateOnly: true }),
  ],
  ['a kind that does not exist', async (s) => altered(s, 3, 'x', [{ name: 'a', value: '5' }])],
  ['loggers', async (s) => altered(s, BROKER_LOGGER, '1', [{ name: 'a', value: 'INFO' }], { validateOnly: true })],
  ['nothing', async (s) => s.ask({ resources: [] })],
]);

const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;
const op = (configOperation: number, name: string, value: string | null) => ({ name, configOperation, value });

async function steps(s: Session, configs: readonly Body[], initial: Record<string, string> = {}): Promise<void> {
  await s.topic('t', { configs: initial });
  await altered(s, TOPIC, s.name('t'), configs);
  await showTopic(s);
}

export const incrementalAlterConfigs = cases('IncrementalAlterConfigs', [
  ['set', async (s) => steps(s, [op(SET, 'retention.ms', '5')], { 'segment.bytes': '2000000' })],
  [
    'delete',
    async (s) => steps(s, [op(DELETE, 'retention.ms', null)], { 'retention.ms': '77', 'segment.bytes': '2000000' }),
  ],
  ['delete what is not set', async (s) => steps(s, [op(DELETE, 'retention.ms', null)])],
  ['delete what does not exist', async (s) => steps(s, [op(DELETE, 'no.such.config', null)])],
  ['append to a list', async (s) => steps(s, [op(APPEND, 'cleanup.policy', 'compact')])],
  [
    'append what is there',
    async (s) => steps(s, [op(APPEND, 'cleanup.policy', 'delete')], { 'cleanup.policy': 'delete' }),
  ],
  [
    'subtract from a list',
    async (s) => steps(s, [op(SUBTRACT, 'cleanup.policy', 'delete')], { 'cleanup.policy': 'compact,delete' }),
  ],
  [
    'subtract what is not there',
    async (s) => steps(s, [op(SUBTRACT, 'cleanup.policy', 'compact')], { 'cleanup.policy': 'delete' }),
  ],
  ['append to what is no list', async (s) => steps(s, [op(APPEND, 'retention.ms', '5')])],
  ['subtract from what is no list', async (s) => steps(s, [op(SUBTRACT, 'retention.ms', '5')])],
  ['set null', async (s) => steps(s, [op(SET, 'retention.ms', null)])],
  ['append null', async (s) => steps(s, [op(APPEND, 'cleanup.policy', null)])],
  ['an operation that does not exist', async (s) => steps(s, [op(9, 'retention.ms', '5')])],
  ['a value that is bad', async (s) => steps(s, [op(SET, 'retention.ms', 'soon')])],
  ['a value out of range', async (s) => steps(s, [op(SET, 'min.insync.replicas', '0')])],
  ['an unknown config', async (s) => steps(s, [op(SET, 'no.such.config', '5')])],
  [
    'a good one beside a bad one',
    async (s) => steps(s, [op(SET, 'retention.ms', '5'), op(SET, 'segment.bytes', 'many')]),
  ],
  ['the same config twice', async (s) => steps(s, [op(SET, 'retention.ms', '5'), op(DELETE, 'retention.ms', null)])],
  [
    'a minimal lag above the maximal',
    async (s) => steps(s, [op(SET, 'min.compaction.lag.ms', '20')], { 'max.compaction.lag.ms': '10' }),
  ],
  [
    'only validated',
    async (s) => {
      await s.topic('t');
      await altered(s, TOPIC, s.name('t'), [op(SET, 'retention.ms', '5')], { validateOnly: true });
      await showTopic(s);
    },
  ],
  ['an unknown topic', async (s) => altered(s, TOPIC, s.name('missing'), [op(SET, 'retention.ms', '5')])],
  ['a topic that cannot have that name', async (s) => altered(s, TOPIC, 'no spaces', [op(SET, 'retention.ms', '5')])],
  [
    'the same resource twice',
    async (s) => {
      await s.topic('t');
      const one = { resourceType: TOPIC, resourceName: s.name('t'), configs: [op(SET, 'retention.ms', '5')] };
      await s.ask({ resources: [one, one] });
    },
  ],
  [
    'a config of the broker that is fixed',
    async (s) => altered(s, BROKER, '1', [op(SET, 'log.dirs', '/tmp/x')], { validateOnly: true }),
  ],
  [
    'a config of the broker',
    async (s) => altered(s, BROKER, '1', [op(SET, 'log.cleaner.threads', '2')], { validateOnly: true }),
  ],
  [
    'a minimum of one broker',
    async (s) => altered(s, BROKER, '1', [op(SET, 'min.insync.replicas', '2')], { validateOnly: true }),
  ],
  [
    'no minimum of one broker',
    async (s) => altered(s, BROKER, '1', [op(DELETE, 'min.insync.replicas', null)], { validateOnly: true }),
  ],
  [
    'a minimum of the cluster',
    async (s) => altered(s, BROKER, '', [op(SET, 'min.insync.replicas', '2')], { validateOnly: true }),
  ],
  [
    'no minimum of the cluster',
    async (s) => altered(s, BROKER, '', [op(DELETE, 'min.insync.replicas', null)], { validateOnly: true }),
  ],
  [
    'a minimum of a topic, and none again',
    async (s) => {
      await steps(s, [op(SET, 'min.insync.replicas', '2')]);
      await altered(s, TOPIC, s.name('t'), [op(DELETE, 'min.insync.replicas', null)]);
      await showTopic(s);
    },
  ],
  [
    'a list that no record could hold',
    async (s) => {
      const list = (from: number): string => Array.from({ length: 2000 }, (_, at) => `${from + at}:123456`).join(',');
      const name = 'leader.replication.throttled.replicas';
      await s.topic('t', { configs: { [name]: list(10_000) } });
      await altered(s, TOPIC, s.name('t'), [op(APPEND, name, list(20_000))]);
    },
  ],
  [
    'a bad config of the broker',
    async (s) => altered(s, BROKER, '1', [op(SET, 'log.cleaner.threads', 'two')], { validateOnly: true }),
  ],
  [
    'a per-broker config for the whole cluster',
    async (s) => altered(s, BROKER, '', [op(SET, 'advertised.listeners', 'PLAINTEXT://a:1')], { validateOnly: true }),
  ],
  [
    'an unknown broker',
    async (s) => altered(s, BROKER, '77', [op(SET, 'log.retention.ms', '5')], { validateOnly: true }),
  ],
  [
    'a broker that is no number',
    async (s) => altered(s, BROKER, 'one', [op(SET, 'log.retention.ms', '5')], { validateOnly: true }),
  ],
  [
    'a group',
    async (s) => {
      await altered(s, GROUP, s.name('g'), [op(SET, 'consumer.session.timeout.ms', '50000')]);
      await s.observe('DescribeConfigs', {
        resources: [resource(GROUP, s.name('g'), ['consumer.session.timeout.ms'])],
        includeSynonyms: true,
      });
    },
  ],
  [
    'a bad config of a group',
    async (s) => altered(s, GROUP, s.name('g'), [op(SET, 'consumer.session.timeout.ms', '1')]),
  ],
  ['an unknown config of a group', async (s) => altered(s, GROUP, s.name('g'), [op(SET, 'retention.ms', '1')])],
  ['a group without a name', async (s) => altered(s, GROUP, '', [op(SET, 'consumer.session.timeout.ms', '50000')])],
  [
    'client metrics',
    async (s) => {
      await altered(s, CLIENT_METRICS, s.name('m'), [op(SET, 'interval.ms', '1000')]);
      await s.observe('DescribeConfigs', { resources: [resource(CLIENT_METRICS, s.name('m'))], includeSynonyms: true });
    },
  ],
  ['bad client metrics', async (s) => altered(s, CLIENT_METRICS, s.name('m'), [op(SET, 'interval.ms', '1')])],
  ['client metrics without a name', async (s) => altered(s, CLIENT_METRICS, '', [op(SET, 'interval.ms', '1000')])],
  ['a kind that does not exist', async (s) => altered(s, 3, 'x', [op(SET, 'a', '5')])],
  [
    'an unknown logger',
    async (s) => altered(s, BROKER_LOGGER, '1', [op(SET, 'no.such.logger', 'INFO')], { validateOnly: true }),
  ],
  ['nothing', async (s) => s.ask({ resources: [] })],
]);

async function resourcesOf(s: Session, resourceTypes: readonly number[]): Promise<void> {
  const answer = await s.ask(s.version >= 1 ? { resourceTypes } : {});
  if (!Array.isArray(answer.configResources)) return;
  answer.configResources = answer.configResources.filter(
    ({ resourceName, resourceType }: { resourceName: string; resourceType: number }) =>
      resourceName.startsWith(s.name('')) || resourceType === BROKER,
  );
}

export const listConfigResources = cases('ListConfigResources', [
  [
    'client metrics',
    async (s) => {
      await s.prepare('IncrementalAlterConfigs', {
        resources: [
          { resourceType: CLIENT_METRICS, resourceName: s.name('m'), configs: [op(SET, 'interval.ms', '1000')] },
        ],
      });
      await resourcesOf(s, [CLIENT_METRICS]);
    },
  ],
  [
    'every kind',
    async (s) => {
      await s.topic('t');
      await s.prepare('IncrementalAlterConfigs', {
        resources: [
          {
            resourceType: GROUP,
            resourceName: s.name('g'),
            configs: [op(SET, 'consumer.session.timeout.ms', '50000')],
          },
        ],
      });
      await s.settle();
      for (const types of [[], [TOPIC], [BROKER], [GROUP], [BROKER_LOGGER], [TOPIC, GROUP]])
        await resourcesOf(s, types);
    },
    { from: 1 },
  ],
  ['a kind that does not exist', async (s) => resourcesOf(s, [3]), { from: 1 }],
  ['the unknown kind', async (s) => resourcesOf(s, [0]), { from: 1 }],
]);
