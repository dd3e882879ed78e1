/**
 * librdkafka's own test suite against brokers of ours, and against as many of Kafka's in the same run: `npm run
 * conformance [-- --brokers 3] [--no-peer]`.
 *
 * Each of the suite's tests must do what `expected.json` says: pass, come later, or not run. A test that passes on
 * Kafka and fails here without a reason is a failure; one that has a reason and passes is one too, so that the list
 * stays true.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BrokerCluster } from '../support/broker-cluster.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import { exists, mustRun, run } from '../support/command.ts';
import { findKafkaHome } from '../support/kafka-home.ts';
import { startKafka } from '../support/kafka-process.ts';
import { Tally } from '../support/tally.ts';

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url));
const expectedPath = fileURLToPath(new URL('./expected.json', import.meta.url));

/** Quick mode, without the socket-emulation tests, without those that need no broker or are known to fail upstream. */
const SWITCHES = ['-L', '-K', '-E', '-Q', '-p3'];
const SUITE_TIMEOUT_MS = 1_500_000;

type Outcome = 'PASSED' | 'FAILED' | 'SKIPPED';

/** Every test: `passes`, `later: what brings it`, `not run: why`, or one of these after `with three brokers: `. */
type Expectations = Readonly<Record<string, string>>;

async function runSuite(testsFolder: string, bootstrap: string, kafkaHome: string): Promise<Map<string, Outcome>> {
  const configPath = join(testsFolder, 'test.conf');
  writeFileSync(configPath, `bootstrap.servers=${bootstrap}\nbroker.address.family=v4\ntest.timeout.multiplier=2\n`);
  try {
    const { stdout, stderr } = await run('./test-runner', SWITCHES, {
      cwd: testsFolder,
      timeoutMs: SUITE_TIMEOUT_MS,
      env: {
        LD_LIBRARY_PATH: '../src:../src-cpp',
        CI: 'true',
        TEST_KAFKA_VERSION: '4.1.0',
        KAFKA_PATH: kafkaHome,
        BROKERS: bootstrap,
        ...(process.env.TESTS === undefined ? {} : { TESTS: process.env.TESTS }),
      },
    });
    const outcomes = new Map<string, Outcome>();
    const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
    for (const line of (stdout.toString() + stderr).replaceAll(colours, '').split('\n')) {
      const match = /^\|\s*(\d{4}_\S+|\d{4}\S*)\s*\|\s*(PASSED|FAILED|SKIPPED)\s*\|/.exec(line.trim());
      if (match !== null) outcomes.set(match[1] as string, match[2] as Outcome);
    }
    return outcomes;
  } finally {
    rmSync(configPath, { force: true });
  }
}

const WITH_THREE = 'with three brokers: ';

function expectationOf(expected: Expectations, name: string): string {
  const text = expected[name] ?? 'not listed';
  if (!text.startsWith(WITH_THREE)) return text;
  return brokers >= 3 ? text.slice(WITH_THREE.length) : 'later: with three brokers';
}

function judge(outcome: Outcome, peer: Outcome | undefined, expectation: string): void {
  if (expectation !== 'passes') throw new Error(`it ${outcome.toLowerCase()}, but the list says '${expectation}'`);
  // What fails on Kafka in the same run says nothing about us.
  if (outcome === 'FAILED' && peer !== 'FAILED') throw new Error('it fails here');
  if (outcome === 'SKIPPED') throw new Error('it was skipped');
}

const { values: args } = parseArgs({ options: { brokers: { type: 'string' }, 'no-peer': { type: 'boolean' } } });
const brokers = Number(args.brokers ?? 1);
const tally = new Tally();

const SETTINGS = {
  'num.partitions': '4',
  'group.initial.rebalance.delay.ms': '1000',
  // The suite asks for a rack named after the broker and reads from followers.
  'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
} as const;

/** Calls `use` with the bootstrap list of brokers of ours. */
async function withBrokers<Result>(use: (bootstrap: string) => Promise<Result>): Promise<Result> {
  if (brokers === 1) {
    const broker = await BrokerProcess.start({ overrides: { 'node.id': '1', ...SETTINGS } });
    return use(broker.bootstrap).finally(() => broker.close());
  }
  const replicated = { 'default.replication.factor': `${Math.min(3, brokers)}` };
  const cluster = await BrokerCluster.start({ size: brokers, overrides: { ...SETTINGS, ...replicated } });
  return use(cluster.bootstrap).finally(() => cluster.close());
}

async function main(): Promise<void> {
  const build = join(shared, 'load/build.sh');
  const kafkaHome = await findKafkaHome();
  if (!existsSync(build) || !(await exists('gcc')) || kafkaHome === undefined) {
    tally.skip('librdkafka test suite', 'it cannot be built here');
    return;
  }
  const { stdout } = await mustRun(build, [], { timeoutMs: 600_000 });
  const testsFolder = join(stdout.toString().trim().split('\n').at(-1) as string, 'librdkafka/tests');
  const expected = JSON.parse(readFileSync(expectedPath, 'utf8')) as Expectations;

  const ours = await withBrokers((bootstrap) => runSuite(testsFolder, bootstrap, kafkaHome));
  const kafka =
    args['no-peer'] === true
      ? undefined
      : await startKafka(
          Object.entries(SETTINGS).map(([key, value]) => `${key}=${value}`),
          { brokers },
        );
  const theirs =
    kafka === undefined
      ? new Map<string, Outcome>()
      : await runSuite(testsFolder, kafka.bootstrap, kafkaHome).finally(() => kafka.stop());

  for (const [name, outcome] of ours) {
    const expectation = expectationOf(expected, name);
    const peer = theirs.has(name) ? ` (Kafka: ${theirs.get(name)?.toLowerCase()})` : '';
    if (outcome !== 'PASSED' && expectation.startsWith('later: ')) tally.skip(name, `${expectation}${peer}`);
    else if (outcome === 'SKIPPED' && expectation.startsWith('not run: ')) tally.skip(name, expectation);
    else await tally.check(`${name}${peer}`, () => judge(outcome, theirs.get(name), expectation));
  }
  await tally.check('a test that passes on Kafka and concerns what is served passes here', () => {
    const lost = [...theirs].filter(([name, outcome]) => outcome === 'PASSED' && ours.get(name) !== 'PASSED');
    const unexplained = lost.filter(([name]) => !expectationOf(expected, name).startsWith('later: '));
    if (unexplained.length > 0) throw new Error(unexplained.map(([name]) => name).join(', '));
  });
  await tally.check('the suite ran', () => {
    if (ours.size === 0) throw new Error('no result was printed');
  });
}

await main();
tally.finish();
