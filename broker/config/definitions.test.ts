/** The definitions as a whole: documented, told apart, and equal to Kafka's where a list of Kafka's lies at hand. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ConfigResource } from '../metadata/mod.ts';
import { definitionsOf } from './mod.ts';

const SCOPES = [
  ['topic', ConfigResource.topic],
  ['broker', ConfigResource.broker],
  ['group', ConfigResource.group],
  ['client-metrics', ConfigResource.clientMetrics],
] as const;
const kafkaList = fileURLToPath(new URL('../../../shared/reference/kafka-configs.tsv', import.meta.url));

/** The list's shorthands for what the definitions spell out. */
const SHORTHANDS: Readonly<Record<string, string>> = {
  'Long.MAX': '9223372036854775807',
  'Int.MAX': '2147483647',
  'Double.MAX': '1.7976931348623157E308',
  '[]': '',
  '""': '',
  'each protocol mapped to itself': 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
};
/** Defaults that differ on purpose; broker/handlers/deviations.md says why. */
const OWN_DEFAULTS: Readonly<Record<string, string>> = { 'broker.session.timeout.ms': '6000' };
/** Checked by Kafka's code, not by its definition. */
const CHECKED_IN_CODE = new Set(['interval.ms']);

const withoutPackage = (value: string): string =>
  /^org\.apache\./.test(value) ? (value.split('.').at(-1) ?? value) : value;

test.each(SCOPES)('every %s config is documented in a sentence of its own', (_, resourceType) => {
  const seen = new Set<string>();
  const problems: string[] = [];
  for (const { name, doc } of definitionsOf(resourceType)?.values() ?? []) {
    if (!doc.endsWith('.') || doc.length < 20 || doc.length > 400) problems.push(`${name}: ${doc}`);
    if (seen.has(doc)) problems.push(`${name} says what another says`);
    seen.add(doc);
  }
  expect(problems).toEqual([]);
  expect(seen.size).toBeGreaterThan(2);
});

const title = "every config of Kafka's list is defined as there: type, default, range, importance, way of change";
test.skipIf(!existsSync(kafkaList))(title, () => {
  const [, ...rows] = readFileSync(kafkaList, 'utf8').trimEnd().split('\n');
  const problems: string[] = [];
  let compared = 0;
  for (const row of rows) {
    const [scope, name, type, fallback, valid, importance, update, internal] = row.split('\t') as string[];
    const resourceType = SCOPES.find(([title]) => title === scope)?.[1] ?? -1;
    const own = definitionsOf(resourceType)?.get(name as string);
    if (own === undefined) {
      problems.push(`${scope} ${name} is not defined`);
      continue;
    }
    compared++;
    const range = CHECKED_IN_CODE.has(own.name) ? own.valid : valid;
    const expected = [
      type,
      OWN_DEFAULTS[own.name] ?? withoutPackage(SHORTHANDS[fallback as string] ?? (fallback as string)),
      range,
      importance,
      update,
      internal,
    ];
    const shown =
      own.default === null ? 'null' : own.default === undefined ? '(required)' : withoutPackage(own.default);
    const actual = [own.type, shown, own.valid, own.importance, own.update, own.internal === true ? 'internal' : ''];
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      problems.push(`${scope} ${name}: ${actual} not ${expected}`);
  }
  expect(problems).toEqual([]);
  expect(compared).toBe(rows.length);
});
