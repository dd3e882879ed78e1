/**
 * The same requests to a real Kafka and to a broker of ours: `npm run differential [-- API | "part of a title"]`.
 *
 * Each case of the corpus runs in the lowest and the highest version that both serve. Every field of every answer is
 * compared but those masked in compare.ts; what differs on purpose stands in intended.ts and in deviations.md.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { apis } from '../../broker/protocol/messages/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { startKafka } from '../support/kafka-process.ts';
import { Tally } from '../support/tally.ts';
import { comparable, type Difference, differences, errorsIn } from './compare.ts';
import { corpus } from './corpus/mod.ts';
import { type Intended, intended } from './intended.ts';
import { type Answer, type Scenario, Session, type Target } from './session.ts';

/** What the launcher of the real one sets, and both are told. */
const SETTINGS: Readonly<Record<string, string>> = {
  'node.id': '1',
  'broker.rack': 'RACK1',
  'num.partitions': '4',
  'default.replication.factor': '1',
  'offsets.topic.num.partitions': '3',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '50',
};
/** Group scenarios wait for one another; a few at once keep two cores busy without making either broker slow. */
const AT_ONCE = 4;

const tally = new Tally();
const runtime = nodeRuntime(pino({ level: 'silent' }));
const used = new Set<Intended>();
const covered = new Map<string, { cases: number; requests: number; fields: number; errors: Set<string> }>();

type Versions = ReadonlyMap<string, { readonly min: number; readonly max: number }>;

async function servedVersions(port: number): Promise<Versions> {
  const versions = new Map([['ApiVersions', { min: 0, max: 4 }]]);
  const session = new Session({
    target: { title: 'Ottla', port, runtime, versions },
    api: 'ApiVersions',
    version: 4,
    prefix: 'v',
  });
  const answer = await session.ask({ clientSoftwareName: 'differential', clientSoftwareVersion: '1' });
  session.close();
  const names = new Map(apis.map((api) => [api.key, api.name]));
  const served = answer.apiKeys as { apiKey: number; minVersion: number; maxVersion: number }[];
  return new Map(
    served.map(({ apiKey, minVersion, maxVersion }) => [
      names.get(apiKey) ?? `${apiKey}`,
      { min: minVersion, max: maxVersion },
    ]),
  );
}

function common(kafka: Versions, ottla: Versions): Versions {
  const both = new Map<string, { min: number; max: number }>();
  for (const [name, a] of kafka) {
    const b = ottla.get(name);
    if (b !== undefined) both.set(name, { min: Math.max(a.min, b.min), max: Math.min(a.max, b.max) });
  }
  return both;
}

async function answersOf(target: Target, scenario: Scenario, version: number, index: number) {
  const session = new Session({ target, api: scenario.api, version, prefix: `d${index}-${version}` });
  try {
    await scenario.run(session);
    return session.answers.map((answer) => ({ ...answer, response: comparable(answer.response, session.labels) }));
  } catch (error) {
    throw new Error(`on ${target.title}: ${(error as Error).message}`);
  } finally {
    session.close();
  }
}

function reasonFor(scenario: Scenario, answer: Answer, difference: Difference): Intended | undefined {
  const path = `${answer.api}:${difference.path}`;
  return intended.find(
    (entry) =>
      entry.api === scenario.api &&
      (entry.title === undefined || entry.title === scenario.title) &&
      entry.path.test(path),
  );
}

function countFields(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countFields(item), 0);
  if (typeof value === 'object' && value !== null)
    return Object.values(value).reduce((sum: number, item) => sum + countFields(item), 0);
  return 1;
}

async function compareCase(
  targets: readonly [Target, Target],
  scenario: Scenario,
  version: number,
  index: number,
): Promise<void> {
  const [kafka, ottla] = await Promise.all(targets.map((target) => answersOf(target, scenario, version, index)));
  const problems: string[] = [];
  if (kafka === undefined || ottla === undefined || kafka.length !== ottla.length) {
    throw new Error(`Kafka gave ${kafka?.length} answers, Ottla ${ottla?.length}`);
  }
  const entry = covered.get(scenario.api) ?? { cases: 0, requests: 0, fields: 0, errors: new Set<string>() };
  covered.set(scenario.api, entry);
  entry.cases++;
  kafka.forEach((answer, i) => {
    entry.requests++;
    entry.fields += countFields(answer.response);
    if (answer.api === scenario.api) for (const error of errorsIn(answer.response)) entry.errors.add(error);
    for (const difference of differences(answer.response, ottla[i]?.response)) {
      const reason = reasonFor(scenario, answer, difference);
      if (reason === undefined) {
        const { path, kafka: theirs, ottla: ours } = difference;
        const where = `${answer.api} v${answer.version} #${i + 1} ${path}`;
        problems.push(`${where}: Kafka ${theirs.slice(0, 300)}, Ottla ${ours.slice(0, 300)}`);
      } else used.add(reason);
    }
  });
  if (problems.length > 0)
    throw Object.assign(new Error(problems.join('\n')), { stack: problems.slice(0, 25).join('\n') });
}

async function runCorpus(
  targets: readonly [Target, Target],
  versions: Versions,
  only: string | undefined,
): Promise<void> {
  const jobs: (() => Promise<void>)[] = [];
  corpus.forEach((scenario, index) => {
    if (only !== undefined && scenario.api !== only && !scenario.title.includes(only)) return;
    const served = versions.get(scenario.api);
    if (served === undefined) throw new Error(`${scenario.api} is not served by both`);
    const lowest = Math.max(served.min, scenario.from ?? served.min);
    const highest = Math.min(served.max, scenario.to ?? served.max);
    for (const version of new Set([lowest, highest])) {
      if (version < lowest || version > highest) continue;
      jobs.push(() =>
        tally.check(`${scenario.api} v${version}: ${scenario.title}`, () =>
          compareCase(targets, scenario, version, index),
        ),
      );
    }
  });
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
    }),
  );
}

/** For every API: a version that does not exist, and a body that ends too early, close the connection on both. */
async function runRefusals(targets: readonly [Target, Target], versions: Versions): Promise<void> {
  for (const [api, { max }] of versions) {
    if (api === 'ApiVersions') continue;
    const refusals: Scenario[] = [
      { api, title: 'a version of the future', run: (session) => session.sendRaw(api, 99, Buffer.alloc(8)) },
      { api, title: 'a body that ends too early', run: (session) => session.sendRaw(api, max, Buffer.alloc(0)) },
    ];
    for (const scenario of refusals) {
      await tally.check(`${api} v${max}: ${scenario.title}`, () => compareCase(targets, scenario, max, -1));
    }
  }
}

async function main(): Promise<void> {
  const overrides = Object.entries(SETTINGS)
    .filter(([key]) => key !== 'node.id')
    .map(([key, value]) => `${key}=${value}`);
  const peer = await startKafka(overrides);
  if (peer === undefined)
    return tally.skip('differential suite', 'a real Kafka cannot be had here (Java 17 and Maven)');
  const broker = await BrokerProcess.start({ overrides: SETTINGS });
  try {
    const [kafkaVersions, ottlaVersions] = [await servedVersions(peer.port), await servedVersions(broker.port)];
    const versions = new Map(common(kafkaVersions, ottlaVersions));
    // Produce is listed from 0 on for the sake of old clients, and taken from 3 on.
    versions.set('Produce', { min: 3, max: versions.get('Produce')?.max ?? 3 });
    const targets = [
      { title: 'Kafka', port: peer.port, runtime, versions },
      { title: 'Ottla', port: broker.port, runtime, versions },
    ] as const;
    const only = process.argv[2];
    await runCorpus(targets, versions, only);
    if (only === undefined) {
      await runRefusals(targets, versions);
      await checkLists(versions, ottlaVersions);
    }
    report();
  } finally {
    await broker.close();
    await peer.stop();
  }
}

async function checkLists(versions: Versions, ottla: Versions): Promise<void> {
  const deviations = readFileSync(
    fileURLToPath(new URL('../../broker/handlers/deviations.md', import.meta.url)),
    'utf8',
  );
  const text = deviations.replaceAll(/\s+/g, ' ');
  for (const entry of intended) {
    await tally.check(`intended: ${entry.api} ${entry.title ?? ''} ${entry.path.source}`, () => {
      if (!used.has(entry)) throw new Error('it no longer shows; take it off');
      if (!text.includes(entry.reason)) throw new Error(`deviations.md does not say: ${entry.reason}`);
    });
  }
  await tally.check('every advertised API has cases', () => {
    const missing = [...ottla.keys()].filter((api) => versions.has(api) && !covered.has(api));
    if (missing.length > 0) throw new Error(`without a case: ${missing.join(', ')}`);
    const alone = [...ottla.keys()].filter((api) => !versions.has(api));
    if (alone.length > 0) throw new Error(`Kafka does not serve: ${alone.join(', ')}`);
  });
}

function report(): void {
  const rows = [...covered].sort(([a], [b]) => (a < b ? -1 : 1));
  process.stdout.write('\nAPI: cases, answers, fields compared, errors that Kafka gave\n');
  let total = { cases: 0, requests: 0, fields: 0 };
  for (const [api, { cases, requests, fields, errors }] of rows) {
    process.stdout.write(`${api}: ${cases}, ${requests}, ${fields}: ${[...errors].sort().join(' ')}\n`);
    total = { cases: total.cases + cases, requests: total.requests + requests, fields: total.fields + fields };
  }
  process.stdout.write(
    `all ${rows.length} APIs: ${total.cases} cases, ${total.requests} answers, ${total.fields} fields\n\n`,
  );
}

await main();
tally.finish();
