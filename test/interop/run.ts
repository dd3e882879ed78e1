/**
 * Clients that we did not write, over real sockets, against a broker process: `npm run interop`.
 *
 * What a client needs is installed where this machine can; what it cannot is skipped with the reason.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrokerProcess } from '../support/broker-process.ts';
import { ensureCommand, exists, mustRun, run } from '../support/command.ts';
import { findKafkaHome } from '../support/kafka-home.ts';
import { Tally } from '../support/tally.ts';
import { kafkaFolderSuite } from './kafka-folder.ts';
import { dumpLogSuite, kafkaToolsSuite } from './kafka-tools.ts';
import { kafkajsSuite } from './kafkajs.ts';
import { kcatSuite } from './kcat.ts';
import { platformaticSuite } from './platformatic.ts';

async function confluentSuite(tally: Tally, bootstrap: string): Promise<void> {
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
    const { stdout, stderr } = await run(join(folder, 'bin/python'), [script, bootstrap], { timeoutMs: 300_000 });
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

const only = process.argv.slice(2);
const wants = (name: string): boolean => only.length === 0 || only.includes(name);
const tally = new Tally();
const broker = await BrokerProcess.start({ overrides: { 'group.initial.rebalance.delay.ms': '300', 'node.id': '1' } });
try {
  if (wants('kcat')) {
    if (await ensureCommand('kcat', 'kcat')) await kcatSuite(tally, broker.bootstrap);
    else tally.skip('kcat', 'it is not installed and cannot be');
  }
  if (wants('kafkajs')) await kafkajsSuite(tally, broker.bootstrap);
  if (wants('platformatic')) await platformaticSuite(tally, broker.bootstrap);
  if (wants('confluent')) await confluentSuite(tally, broker.bootstrap);
  if (wants('folder')) await kafkaFolderSuite(tally);
  if (wants('tools')) {
    const kafkaHome = await findKafkaHome();
    if (kafkaHome === undefined) tally.skip("Apache Kafka's tools", 'no KAFKA_HOME, and none could be built here');
    else {
      await kafkaToolsSuite(tally, broker.bootstrap, kafkaHome);
      await broker.signal('SIGTERM');
      await dumpLogSuite(tally, broker.dataFolder, kafkaHome, [
        'java-gzip',
        'java-lz4',
        'java-zstd',
        'java-snappy',
        'java-perf',
        'kcat-gzip-all',
        'js-records',
      ]);
    }
  }
} catch (error) {
  await tally.check('the broker survived', () => {
    throw new Error(`${(error as Error).stack}\n${broker.output}`);
  });
} finally {
  await broker.close();
}
tally.finish();
