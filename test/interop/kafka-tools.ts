/** Apache Kafka's own command-line tools, and through them its Java clients. */
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, run } from '../support/command.ts';
import { ensure, equal, type Tally } from '../support/tally.ts';
import type { Target } from './target.ts';

const TOOL_TIMEOUT_MS = 90_000;

export async function kafkaToolsSuite(tally: Tally, target: Target, kafkaHome: string): Promise<void> {
  const { bootstrap, replicationFactor } = target;
  const tool = async (name: string, args: readonly string[], input?: string): Promise<string> => {
    const { stdout } = await mustRun(join(kafkaHome, 'bin', `kafka-${name}.sh`), args, {
      timeoutMs: TOOL_TIMEOUT_MS,
      ...(input === undefined ? {} : { input }),
    });
    return stdout.toString();
  };
  const at = ['--bootstrap-server', bootstrap];

  await tally.check('kafka-topics: create, describe, alter, delete', async () => {
    await tool('topics', [
      ...at,
      '--create',
      '--topic',
      'java-admin',
      '--partitions',
      '3',
      '--config',
      'segment.ms=600000',
    ]);
    const described = await tool('topics', [...at, '--describe', '--topic', 'java-admin']);
    ensure(new RegExp(`PartitionCount: 3\\s+ReplicationFactor: ${replicationFactor}`).test(described), described);
    ensure(/segment.ms=600000/.test(described), described);
    await tool('topics', [...at, '--alter', '--topic', 'java-admin', '--partitions', '4']);
    await tool('topics', [...at, '--delete', '--topic', 'java-admin']);
    ensure(!(await tool('topics', [...at, '--list'])).includes('java-admin'), 'the topic is gone');
  });

  await tally.check('kafka-console-producer and -consumer: every codec', async () => {
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      const topic = `java-${codec}`;
      const lines = Array.from({ length: 500 }, (_, index) => `${index}`);
      await tool('console-producer', [...at, '--topic', topic, '--compression-codec', codec], `${lines.join('\n')}\n`);
      const read = await tool('console-consumer', [
        ...at,
        '--topic',
        topic,
        '--from-beginning',
        '--max-messages',
        '500',
        '--timeout-ms',
        '20000',
      ]);
      equal(read.trim().split('\n'), lines, codec);
    }
  });

  await tally.check('kafka-configs: topic and broker configs are altered and described', async () => {
    await tool('configs', [
      ...at,
      '--alter',
      '--entity-type',
      'topics',
      '--entity-name',
      'java-none',
      '--add-config',
      'retention.ms=1234567',
    ]);
    const topic = await tool('configs', [...at, '--describe', '--entity-type', 'topics', '--entity-name', 'java-none']);
    ensure(/retention.ms=1234567/.test(topic), topic);
    await tool('configs', [
      ...at,
      '--alter',
      '--entity-type',
      'brokers',
      '--entity-default',
      '--add-config',
      'log.cleaner.threads=2',
    ]);
    const broker = await tool('configs', [...at, '--describe', '--entity-type', 'brokers', '--entity-default']);
    ensure(/log.cleaner.threads=2/.test(broker), broker);
    await tool('configs', [
      ...at,
      '--alter',
      '--entity-type',
      'brokers',
      '--entity-default',
      '--delete-config',
      'log.cleaner.threads',
    ]);
    const all = await tool('configs', [...at, '--describe', '--all', '--entity-type', 'brokers', '--entity-name', '1']);
    ensure(all.split('\n').length > 200, `all broker configs: ${all.split('\n').length} lines`);
  });

  await tally.check('kafka-consumer-groups: describe, reset, delete', async () => {
    await tool('console-consumer', [
      ...at,
      '--topic',
      'java-gzip',
      '--group',
      'java-group',
      '--from-beginning',
      '--max-messages',
      '500',
      '--timeout-ms',
      '20000',
    ]);
    const described = await tool('consumer-groups', [...at, '--describe', '--group', 'java-group']);
    ensure(/java-gzip\s+0\s+500\s+500\s+0/.test(described), described);
    await tool('consumer-groups', [
      ...at,
      '--group',
      'java-group',
      '--reset-offsets',
      '--to-offset',
      '100',
      '--topic',
      'java-gzip',
      '--execute',
    ]);
    const reset = await tool('consumer-groups', [...at, '--describe', '--group', 'java-group']);
    ensure(/java-gzip\s+0\s+100\s+500\s+400/.test(reset), reset);
    await tool('consumer-groups', [...at, '--delete', '--group', 'java-group']);
  });

  await tally.check('kafka-get-offsets, kafka-log-dirs, kafka-broker-api-versions, kafka-features', async () => {
    const offsets = await tool('get-offsets', [...at, '--topic', 'java-none']);
    equal(offsets.trim(), 'java-none:0:500', 'offsets');
    const folders = await tool('log-dirs', [...at, '--describe', '--topic-list', 'java-none']);
    ensure(/"partition":"java-none-0"/.test(folders), folders);
    const { stdout } = await mustRun(
      join(kafkaHome, 'bin/kafka-run-class.sh'),
      ['org.apache.kafka.tools.BrokerApiVersionsCommand', ...at],
      { timeoutMs: TOOL_TIMEOUT_MS },
    );
    const versions = stdout.toString();
    ensure(/Produce\(0\)/.test(versions), versions);
    await tool('features', [...at, 'describe']);
  });

  await tally.check('kafka-delete-records moves the log start', async () => {
    const path = join(tmpdir(), `ottla-delete-records-${process.pid}.json`);
    writeFileSync(path, JSON.stringify({ version: 1, partitions: [{ topic: 'java-lz4', partition: 0, offset: 123 }] }));
    try {
      await tool('delete-records', [...at, '--offset-json-file', path]);
      equal(
        (await tool('get-offsets', [...at, '--topic', 'java-lz4', '--time', 'earliest'])).trim(),
        'java-lz4:0:123',
        'start',
      );
    } finally {
      rmSync(path, { force: true });
    }
  });

  await tally.check('kafka-producer-perf-test: idempotent acks=all', async () => {
    const said = await tool('producer-perf-test', [
      '--topic',
      'java-perf',
      '--num-records',
      '50000',
      '--record-size',
      '200',
      '--throughput',
      '-1',
      '--producer-props',
      `bootstrap.servers=${bootstrap}`,
      'acks=all',
      'linger.ms=5',
    ]);
    ensure(/50000 records sent/.test(said), said);
  });

  await tally.check('kafka-acls says that there is no authorizer', async () => {
    const { stderr, stdout } = await run(join(kafkaHome, 'bin', 'kafka-acls.sh'), [...at, '--list'], {
      timeoutMs: TOOL_TIMEOUT_MS,
    });
    ensure(/SecurityDisabled|No Authorizer/i.test(stderr + stdout.toString()), stderr + stdout.toString());
  });
}

/** Kafka's DumpLogSegments must find nothing wrong with what we wrote. */
export async function dumpLogSuite(
  tally: Tally,
  dataFolder: string,
  kafkaHome: string,
  topics: string[],
): Promise<void> {
  const { stdout } = await mustRun('sh', ['-c', `ls -d ${dataFolder}/*-0`]);
  const folders = stdout
    .toString()
    .trim()
    .split('\n')
    .filter((path) => topics.some((topic) => path.endsWith(`/${topic}-0`)));
  await tally.check(`DumpLogSegments reads ${folders.length} partitions and their indexes`, async () => {
    ensure(folders.length > 0, 'there are partitions to read');
    for (const folder of folders) {
      const files = (await mustRun('sh', ['-c', `ls ${folder}/*.log ${folder}/*.index ${folder}/*.timeindex`])).stdout
        .toString()
        .trim()
        .split('\n');
      const { stdout: said, stderr } = await mustRun(
        join(kafkaHome, 'bin', 'kafka-dump-log.sh'),
        ['--deep-iteration', '--index-sanity-check', '--files', files.join(',')],
        { timeoutMs: TOOL_TIMEOUT_MS },
      );
      const text = said.toString() + stderr;
      ensure(
        !/exception|mismatch|not monotonic|isvalid: false|Found timestamp mismatch|corrupt/i.test(text),
        `${folder}: ${text.slice(-1500)}`,
      );
    }
  });
}
