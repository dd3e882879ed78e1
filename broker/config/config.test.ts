import { expect, test } from 'vitest';
import { ConfigResource, EMPTY_IMAGE } from '../metadata/mod.ts';
import {
  BrokerConfig,
  buildLogConfig,
  configRules,
  effectiveTopicValue,
  minInSyncReplicas,
  parseOverride,
  parseProperties,
  topicRules,
} from './mod.ts';

const config = (values: Record<string, string> = {}): BrokerConfig => new BrokerConfig(new Map(Object.entries(values)));
const NONE: ReadonlyMap<string, string> = new Map();

test('properties: comments, continuations, escapes and every separator', () => {
  const text = '# no\n! no\na=1\nb : 2\nc 3\nlong = one,\\\n   two\nunicode=\\u00e9\\t.\nempty=\n';
  expect(Object.fromEntries(parseProperties(text))).toEqual({
    a: '1',
    b: '2',
    c: '3',
    long: 'one,two',
    unicode: 'é\t.',
    empty: '',
  });
  expect(parseOverride('k=v=w')).toEqual(['k', 'v=w']);
  expect(() => parseOverride('novalue')).toThrow(/key=value/);
});

test('a bad value refuses to start, and names the key, the value and what is allowed', () => {
  expect(() => config({ 'num.partitions': '0' })).toThrow(
    'Invalid value 0 for configuration num.partitions: Value must be at least 1',
  );
  expect(() => config({ 'log.retention.bytes': '1e3' })).toThrow(/log.retention.bytes.*Not a number of type LONG/);
  expect(() => config({ 'auto.create.topics.enable': 'yes' })).toThrow(/either true or false/);
  expect(() => config({ 'compression.type': 'rar' })).toThrow(/must be one of: uncompressed, zstd/);
});

test('an unknown key is a warning with the nearest name', () => {
  const [warning] = config({ 'num.partition': '3' }).unknownKeys();
  expect(warning).toContain("did you mean 'num.partitions'?");
  expect(config({ 'ssl.something': 'x', 'ottla.http.port': '1' }).unknownKeys()).toEqual([]);
});

test('dynamic broker value > dynamic default > file > built-in default', () => {
  const broker = config({ 'log.retention.ms': '1000' });
  expect(broker.number('log.retention.ms')).toBe(1000);
  broker.setDynamic({ broker: NONE, clusterDefault: new Map([['log.retention.ms', '2000']]) });
  expect(broker.number('log.retention.ms')).toBe(2000);
  broker.setDynamic({
    broker: new Map([['log.retention.ms', '3000']]),
    clusterDefault: new Map([['log.retention.ms', '2000']]),
  });
  expect(broker.lookup('log.retention.ms').map(({ source, value }) => [source, value])).toEqual([
    ['dynamic-broker', '3000'],
    ['dynamic-default', '2000'],
    ['static', '1000'],
    ['default', '168'],
  ]);
});

test('a topic inherits from the broker config it stands for, in its own unit', () => {
  const broker = config({ 'log.retention.hours': '2' });
  expect(effectiveTopicValue(broker, NONE, 'retention.ms')).toBe('7200000');
  expect(
    effectiveTopicValue(config({ 'log.retention.minutes': '5', 'log.retention.hours': '2' }), NONE, 'retention.ms'),
  ).toBe('300000');
  expect(effectiveTopicValue(broker, new Map([['retention.ms', '7']]), 'retention.ms')).toBe('7');
});

test('the log gets numbers, and infinity for never', () => {
  const log = buildLogConfig(config(), new Map([['cleanup.policy', 'compact,delete']]));
  expect(log).toMatchObject({ cleanupCompact: true, cleanupDelete: true, segmentBytes: 1073741824 });
  expect(log.flushMessages).toBe(Number.POSITIVE_INFINITY);
});

test('rules: unknown names, illegal values, read-only broker configs and contradictions are refused', () => {
  const rules = configRules(config());
  const problem = (type: number, values: Record<string, string>, name = 't'): string | undefined =>
    rules.problemOf(type, name, new Map(Object.entries(values)));
  expect(problem(ConfigResource.topic, { 'no.such': '1' })).toBe('Unknown topic config name: no.such');
  expect(problem(ConfigResource.topic, { 'segment.bytes': '5' })).toMatch(/at least 1048576/);
  expect(problem(ConfigResource.topic, { 'cleanup.policy': 'compact,compact' })).toMatch(/duplicated/);
  expect(problem(ConfigResource.topic, { 'min.compaction.lag.ms': '9', 'max.compaction.lag.ms': '8' })).toMatch(
    /conflict/,
  );
  expect(problem(ConfigResource.topic, { 'retention.ms': '-1', 'cleanup.policy': '' })).toBeUndefined();
  expect(problem(ConfigResource.broker, { 'num.partitions': '3' }, '1')).toMatch(/Cannot update/);
  expect(problem(ConfigResource.broker, { 'log.cleaner.threads': '3' }, '')).toBeUndefined();
  expect(problem(ConfigResource.group, { 'consumer.session.timeout.ms': '1' }, 'g')).toMatch(/greater than or equal/);
});

test('min.insync.replicas is what the metadata says, and what the file says only before that', () => {
  const broker = config({ 'min.insync.replicas': '3' });
  broker.setDynamic({ broker: new Map([['min.insync.replicas', '4']]), clusterDefault: NONE });
  const image = (configs: Record<string, string>) => ({
    ...EMPTY_IMAGE,
    configs: new Map(Object.entries(configs).map(([key, value]) => [key, new Map([['min.insync.replicas', value]])])),
  });
  const of = (configs: Record<string, string>): number => minInSyncReplicas(broker, image(configs), 't');
  expect(of({})).toBe(3);
  expect(of({ '4/': '2' })).toBe(2);
  expect(of({ '4/': '2', '4/1': '9', '2/t': '1' })).toBe(1);
  const topic = { name: 't', id: 'id', partitions: [] };
  expect(topicRules(broker).minInSyncReplicas(image({ '4/': '2' }), topic)).toBe(2);
});
