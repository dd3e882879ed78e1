/**
 * Clients that we did not write, over real sockets, against broker processes: `npm run interop [-- kcat kafkajs
 * platformatic confluent folder tools cluster] [--brokers 1 | --brokers 3]`.
 *
 * First against one broker, then against three with three replicas of everything. What a client needs is installed
 * where this machine can; what it cannot is skipped with the reason.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BrokerCluster } from '../support/broker-cluster.ts';
import { ensureCommand, exists, mustRun, run } from '../support/command.ts';
import { findKafkaHome } from '../support/kafka-home.ts';
import { Tally } from '../support/tally.ts';
import { kafkaClusterSuite } from './kafka-cluster.ts';
import { kafkaFolderSuite } from './kafka-folder.ts';
import { dumpLogSuite, kafkaToolsSuite } from './kafka-tools.ts';
import { kafkajsSuite } from './kafkajs.ts';
import { kcatSuite } from './kcat.ts';
import { platformaticSuite } from './platformatic.ts';
import { sameLogsSuite } from './same-logs.ts';
import type { Target } from './target.ts';

const SETTINGS = { 'group.initial.rebalance.delay.ms': '300' };
const REPLICATED = {
  'default.replication.factor': '3',
  'min.insync.replicas': '2',
  'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
};
/** Topics whose files Kafka's DumpLogSegments reads in the end. */
const DUMPED = ['java-gzip', 'java-lz4', 'java-zstd', 'java-snappy', 'java-perf', 'kcat-gzip-all', 'js-records'];

async function confluentSuite(tally: Tally, { bootstrap, replicationFactor }: Target): Promise<void> {
  if (!(await exists('python3'))) return tally.skip('confluent-kafka for Python', 'there is no python3');
  const folder = mkdtempSync(join(tmpdir(), 'ottla-python-'));
  try {
    try {
      await mustRun('python3', ['-m', 'venv', folder], { timeoutMs: 120_000 });
      await mustRun(join(folder, 'bin/pip'), ['install', '-q', 'confluent-kafka==2.12.2'], { timeoutMs: 300_000 });
    } catch (error) {
      return tally.skip(
        'confluent-kafka for Python',
        `it cannot be installed: ${(error as Error).message.slice(0, 300)}`,
      );
    }
    const script = fileURLToPath(new URL('./confluent.py', import.meta.url));
    const { stdout, stderr } = await run(join(folder, 'bin/python'), [script, bootstrap, `${replicationFactor}`], {
      timeoutMs: 300_000,
    });
    const lines = stdout
      .toString()
      .split('\n')
      .filter((line) => /^(ok|FAILED) /.test(line));
    await tally.check('confluent: the script ran to its end', () => {
      if (lines.length < 10) throw new Error(stderr);
    });
    for (const line of lines) {
      await tally.check(line.replace(/^(ok|FAILED) /, ''), () => {
        if (line.startsWith('FAILED')) throw new Error(line);
      });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values, positionals: only } = parseArgs({
  options: { brokers: { type: 'string' } },
  allowPositionals: true,
});
const wants = (name: string): boolean => only.length === 0 || only.includes(name);
const tally = new Tally();

async function runSuites(brokers: number): Promise<void> {
  const isReplicated = brokers > 1;
  process.stdout.write(`--- ${brokers} broker${isReplicated ? 's' : ''}\n`);
  const cluster = await BrokerCluster.start({
    size: brokers,
    overrides: { ...SETTINGS, ...(isReplicated ? REPLICATED : {}) },
  });
  const target: Target = { bootstrap: cluster.bootstrap, brokers, replicationFactor: isReplicated ? 3 : 1 };
  try {
    if (wants('kcat')) {
      if (await ensureCommand('kcat', 'kcat')) await kcatSuite(tally, target);
      else tally.skip('kcat', 'it is not installed and cannot be');
    }
    if (wants('kafkajs')) await kafkajsSuite(tally, target);
    if (wants('platformatic')) await platformaticSuite(tally, target);
    if (wants('confluent')) await confluentSuite(tally, target);
    if (wants('folder') && !isReplicated) await kafkaFolderSuite(tally);
    if (wants('tools') || (wants('cluster') && isReplicated)) await runTools(cluster, target);
  } catch (error) {
    await tally.check('the brokers survived', () => {
      throw new Error(`${(error as Error).stack}\n${cluster.output}`);
    });
  } finally {
    await cluster.close();
  }
}

async function runTools(cluster: BrokerCluster, target: Target): Promise<void> {
  const kafkaHome = await findKafkaHome();
  if (kafkaHome === undefined) {
    return tally.skip("Apache Kafka's tools", 'no KAFKA_HOME, and none could be built here');
  }
  if (wants('tools')) await kafkaToolsSuite(tally, target, kafkaHome);
  if (target.brokers > 1 && wants('cluster')) await kafkaClusterSuite(tally, cluster, kafkaHome);
  if (!wants('tools')) return;
  await cluster.stop();
  for (const { dataFolder } of cluster.brokers) await dumpLogSuite(tally, dataFolder, kafkaHome, DUMPED);
  if (target.brokers > 1) {
    await sameLogsSuite(
      tally,
      cluster.brokers.map(({ dataFolder }) => dataFolder),
      kafkaHome,
    );
  }
}

for (const brokers of values.brokers === undefined ? [1, 3] : [Number(values.brokers)]) await runSuites(brokers);
tally.finish();
