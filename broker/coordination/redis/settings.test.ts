import { expect, test } from 'vitest';
import { checkSettings, infoField, type RedisSettings, settingsProblems } from './settings.ts';

const safe: RedisSettings = {
  mode: 'standalone',
  role: 'master',
  appendonly: 'yes',
  appendfsync: 'always',
  'maxmemory-policy': 'noeviction',
};

test('a safe Redis has no problems', () => {
  expect(settingsProblems(safe)).toEqual([]);
  checkSettings(safe);
});

test.each([
  ['mode', 'cluster', 'cluster-enabled no'],
  ['mode', undefined, 'standalone'],
  ['role', 'slave', 'master'],
  ['appendonly', 'no', 'set "appendonly yes"'],
  ['appendfsync', 'everysec', 'set "appendfsync always"'],
  ['appendfsync', undefined, 'set "appendfsync always"'],
  ['maxmemory-policy', 'allkeys-lru', 'set "maxmemory-policy noeviction"'],
])('%s %s is refused, with what to set', (name, value, sentence) => {
  const settings = { ...safe, [name]: value };
  expect(() => checkSettings(settings)).toThrow(sentence);
  expect(settingsProblems(settings).length).toBe(1);
});

test('all problems are told at once', () => {
  expect(settingsProblems({ ...safe, appendonly: 'no', appendfsync: 'everysec' }).length).toBe(2);
});

test('a field of INFO is found by its whole name', () => {
  const info = '# Server\r\nredis_mode:standalone\r\nx_redis_mode:other\r\nrole:master\r\n';
  expect([infoField(info, 'redis_mode'), infoField(info, 'role'), infoField(info, 'mode')]).toEqual([
    'standalone',
    'master',
    undefined,
  ]);
});
