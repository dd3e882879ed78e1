/**
 * Kafka's own tools on three brokers with three replicas of everything: topics, reassignments, elections, groups,
 * configs and what else an administrator does, with all brokers there and with one of them dead.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrokerCluster } from '../support/broker-cluster.ts';
import { mustRun, run } from '../support/command.ts';
import { ensure, equal, type Tally } from '../support/tally.ts';

const TOOL_TIMEOUT_MS = 90_000;
const UNTIL_MS_MAX = 60_000;
const LOOK_EVERY_MS = 300;
/** One that an ordinary run leaves plenty of time to look at, with 5 MB to move. */
const SLOW_BYTES_PER_S = 400_000;
const FAST_BYTES_PER_S = 50_000_000;

interface Assignment {
  readonly topic: string;
  readonly partition: number;
  readonly replicas: readonly number[];
}

/** The tools by name, on a cluster. */
class Tools {
  private readonly cluster: BrokerCluster;
  private readonly home: string;

  constructor(cluster: BrokerCluster, home: string) {
    this.cluster = cluster;
    this.home = home;
  }

  async try(name: string, args: readonly string[]): Promise<string> {
    const command = join(this.home, 'bin', `kafka-${name}.sh`);
    const all = [...args, ...this.at];
    const { stdout, stderr } = await run(command, all, { timeoutMs: TOOL_TIMEOUT_MS });
    return stdout.toString() + stderr;
  }

  async run(name: string, args: readonly string[], input?: string): Promise<string> {
    const command = join(this.home, 'bin', `kafka-${name}.sh`);
    const all = [...args, ...this.at];
    const options = { timeoutMs: TOOL_TIMEOUT_MS, ...(input === undefined ? {} : { input }) };
    return (await mustRun(command, all, options)).stdout.toString();
  }

  /** A tool that has no script of its own everywhere. */
  async runClass(name: string, args: readonly string[]): Promise<string> {
    const command = join(this.home, 'bin/kafka-run-class.sh');
    return (
      await mustRun(command, [`org.apache.kafka.tools.${name}`, ...args], { timeoutMs: TOOL_TIMEOUT_MS })
    ).stdout.toString();
  }

  get at(): string[] {
    return ['--bootstrap-server', this.cluster.bootstrap];
  }

  /** With a file of JSON as the option's value. */
  async withJson<Result>(content: unknown, use: (path: string) => Promise<Result>): Promise<Result> {
    const path = join(tmpdir(), `ottla-interop-${process.pid}.json`);
    writeFileSync(path, JSON.stringify(content));
    try {
      return await use(path);
    } finally {
      rmSync(path, { force: true });
    }
  }

  reassign(partitions: readonly Assignment[], ...args: readonly string[]): Promise<string> {
    return this.withJson({ version: 1, partitions }, (path) =>
      this.run('reassign-partitions', ['--reassignment-json-file', path, ...args]),
    );
  }

  async create(topic: string, args: readonly string[]): Promise<void> {
    await this.run('topics', ['--create', '--topic', topic, ...args]);
  }

  /** Leader, replicas and in-sync set of each partition, as kafka-topics shows them. */
  async describe(topic: string): Promise<{ leader: string; replicas: number[]; inSync: number[] }[]> {
    const text = await this.run('topics', ['--describe', '--topic', topic]);
    const rows = [...text.matchAll(/Leader: (\S+)\s+Replicas: (\S+)\s+Isr:[ \t]*([\d,]*)/g)];
    const numbers = (list: string | undefined): number[] => (list ?? '').split(',').filter(Boolean).map(Number);
    return rows.map(([, leader, replicas, inSync]) => ({
      leader: leader as string,
      replicas: numbers(replicas),
      inSync: numbers(inSync),
    }));
  }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + UNTIL_MS_MAX;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`it took too long until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `${from + index}\n`).join('');

export async function kafkaClusterSuite(tally: Tally, cluster: BrokerCluster, kafkaHome: string): Promise<void> {
  const tools = new Tools(cluster, kafkaHome);
  await topics(tally, tools);
  await inquiries(tally, tools, [1, 2, 3]);
  await groups(tally, tools, cluster);
  await configs(tally, tools);
  await followerFetching(tally, tools, cluster);
  await reassignment(tally, tools, cluster);
  await elections(tally, tools, cluster);
  await oneBrokerDown(tally, tools, cluster);
  await unregister(tally, tools, cluster);
}

async function topics(tally: Tally, tools: Tools): Promise<void> {
  await tally.check('cluster: kafka-topics creates, describes, grows and deletes with three replicas', async () => {
    await tools.create('c-admin', ['--partitions', '6', '--replication-factor', '3']);
    const rows = await tools.describe('c-admin');
    equal(rows.length, 6, 'partitions');
    for (const { replicas, inSync } of rows) {
      equal([...replicas].sort(), [1, 2, 3], 'replicas');
      equal([...inSync].sort(), [1, 2, 3], 'in sync');
    }
    equal(new Set(rows.map(({ leader }) => leader)).size, 3, 'brokers that lead');
    await tools.run('topics', ['--alter', '--topic', 'c-admin', '--partitions', '9']);
    equal((await tools.describe('c-admin')).length, 9, 'partitions');
    for (const which of ['under-replicated', 'under-min-isr', 'unavailable']) {
      equal(await tools.run('topics', ['--describe', `--${which}-partitions`]), '', which);
    }
    await tools.run('topics', ['--delete', '--topic', 'c-admin']);
    ensure(!(await tools.run('topics', ['--list'])).includes('c-admin'), 'the topic is gone');
    const refused = await tools.try('topics', ['--create', '--topic', 'c-large', '--replication-factor', '4']);
    ensure(/InvalidReplicationFactorException/.test(refused), refused);
  });
}

/** What tells of the whole cluster, asked with these brokers alive. */
async function inquiries(tally: Tally, tools: Tools, alive: readonly number[]): Promise<void> {
  const when = alive.length === 3 ? 'cluster' : 'cluster without a broker';
  await tally.check(`${when}: kafka-broker-api-versions, kafka-cluster, kafka-metadata-quorum`, async () => {
    const versions = await tools.runClass('BrokerApiVersionsCommand', tools.at);
    const shown = [...versions.matchAll(/\(id: (\d+) rack: (\w+) isFenced: (\w+)\) ->/g)].map(
      ([, id, rack]) => id + (rack ?? ''),
    );
    equal(
      shown.sort(),
      alive.map((id) => `${id}RACK${id}`),
      'brokers',
    );
    ensure(/Cluster ID: \S{22}/.test(await tools.run('cluster', ['cluster-id'])), 'the cluster has an id');
    const endpoints = await tools.run('cluster', ['list-endpoints']);
    for (const id of alive) ensure(new RegExp(`^${id}\\s+127\\.0\\.0\\.1`, 'm').test(endpoints), endpoints);
    const quorum = await tools.runClass('MetadataQuorumCommand', [...tools.at, 'describe', '--status']);
    ensure(new RegExp(`LeaderId:\\s+[${alive.join('')}]\\b`).test(quorum), quorum);
    const replication = await tools.runClass('MetadataQuorumCommand', [...tools.at, 'describe', '--replication']);
    ensure(/Leader/.test(replication), replication);
  });

  await tally.check(`${when}: kafka-log-dirs, kafka-get-offsets, kafka-delete-records`, async () => {
    const topic = `c-records-${alive.length}`;
    await tools.create(topic, ['--partitions', '3', '--replication-factor', '3']);
    await tools.run('console-producer', ['--topic', topic], lines(0, 300));
    const offsets = await tools.run('get-offsets', ['--topic', topic]);
    const ends = [...offsets.matchAll(/:(\d+):(\d+)/g)].map(([, , end]) => Number(end));
    equal([ends.length, ends.reduce((sum, end) => sum + end, 0)], [3, 300], 'ends');
    const text = await tools.run('log-dirs', ['--describe', '--topic-list', topic]);
    const { brokers } = JSON.parse(text.split('\n').find((line) => line.startsWith('{')) ?? '{}') as {
      brokers: {
        broker: number;
        logDirs: { error: string | null; partitions: { size: number; offsetLag: number }[] }[];
      }[];
    };
    equal(brokers.map(({ broker }) => broker).sort(), [...alive], 'brokers');
    for (const { logDirs } of brokers) {
      const partitions = logDirs.flatMap((folder) => folder.partitions);
      equal(partitions.length, 3, 'replicas');
      ensure(
        partitions.every(({ offsetLag }) => offsetLag === 0),
        `nobody lags: ${text}`,
      );
    }
    const partitions = [0, 1, 2].map((partition) => ({ topic, partition, offset: -1 }));
    const deleted = await tools.withJson({ version: 1, partitions }, (path) =>
      tools.run('delete-records', ['--offset-json-file', path]),
    );
    equal([...deleted.matchAll(/low_watermark: (\d+)/g)].map(([, low]) => Number(low)).sort(), ends.sort(), deleted);
  });
}

async function groups(tally: Tally, tools: Tools, cluster: BrokerCluster): Promise<void> {
  const consume = (): Promise<string> =>
    tools.run('console-consumer', [
      ...['--topic', 'c-group', '--group', 'c-group', '--from-beginning'],
      ...['--max-messages', '300', '--timeout-ms', '30000'],
    ]);
  const committed = async (): Promise<number[]> => {
    const text = await tools.run('consumer-groups', ['--describe', '--group', 'c-group']);
    return [...text.matchAll(/c-group\s+c-group\s+\d+\s+(\d+)/g)].map(([, offset]) => Number(offset));
  };
  const sum = (offsets: readonly number[]): number => offsets.reduce((total, offset) => total + offset, 0);

  await tally.check('cluster: kafka-consumer-groups, also when the coordinator is killed', async () => {
    await tools.create('c-group', ['--partitions', '6', '--replication-factor', '3']);
    await tools.run('console-producer', ['--topic', 'c-group'], lines(0, 300));
    equal(new Set((await consume()).trim().split('\n')).size, 300, 'records');
    equal(sum(await committed()), 300, 'committed');
    const state = await tools.run('consumer-groups', ['--describe', '--group', 'c-group', '--state']);
    const coordinator = Number(/127\.0\.0\.1:\d+\s+\((\d)\)/.exec(state)?.[1]);
    ensure(coordinator > 0, state);
    await cluster.broker(coordinator).signal('SIGKILL');
    equal(sum(await committed()), 300, 'committed, as another coordinator knows it');
    const reset = ['--reset-offsets', '--to-earliest', '--topic', 'c-group', '--execute'];
    await tools.run('consumer-groups', ['--group', 'c-group', ...reset]);
    equal(sum(await committed()), 0, 'committed after the reset');
    equal(new Set((await consume()).trim().split('\n')).size, 300, 'records again');
    await cluster.broker(coordinator).run();
    equal(sum(await committed()), 300, 'committed when it is back');
    await tools.run('consumer-groups', ['--delete', '--group', 'c-group']);
    ensure(!(await tools.run('consumer-groups', ['--list'])).includes('c-group'), 'the group is gone');
  });
}

async function configs(tally: Tally, tools: Tools): Promise<void> {
  const alter = (entity: readonly string[], ...change: readonly string[]): Promise<string> =>
    tools.run('configs', ['--alter', ...entity, ...change]);
  const described = (entity: readonly string[]): Promise<string> => tools.run('configs', ['--describe', ...entity]);

  await tally.check('cluster: kafka-configs of topics, each broker, all brokers and groups', async () => {
    const entities: [entity: string[], key: string, value: string][] = [
      [['--entity-type', 'topics', '--entity-name', 'c-group'], 'retention.ms', '7654321'],
      [['--entity-type', 'brokers', '--entity-name', '2'], 'log.cleaner.threads', '2'],
      [['--entity-type', 'brokers', '--entity-default'], 'log.cleaner.threads', '3'],
      [['--entity-type', 'groups', '--entity-name', 'c-any'], 'consumer.session.timeout.ms', '50000'],
    ];
    for (const [entity, key, value] of entities) {
      await alter(entity, '--add-config', `${key}=${value}`);
      const text = await described(entity);
      ensure(text.includes(`${key}=${value}`), text);
      await alter(entity, '--delete-config', key);
      ensure(!(await described(entity)).includes(`${key}=${value}`), `${key} is gone`);
    }
    for (const id of ['1', '3']) {
      const text = await described(['--entity-type', 'brokers', '--entity-name', id, '--all']);
      ensure(text.includes(`broker.rack=RACK${id}`), `broker ${id} tells its own rack`);
    }
  });
}

async function followerFetching(tally: Tally, tools: Tools, cluster: BrokerCluster): Promise<void> {
  await tally.check('cluster: a consumer with client.rack reads from the replica in its rack (KIP-392)', async () => {
    const { bootstrap } = cluster;
    await tools.create('c-near', ['--partitions', '1', '--replication-factor', '3']);
    await tools.run('console-producer', ['--topic', 'c-near'], lines(0, 500));
    for (const id of [1, 2, 3]) {
      const args = ['-b', bootstrap, '-C', '-t', 'c-near', '-p', '0', '-o', 'beginning', '-e', '-q'];
      const { stdout, stderr } = await mustRun('kcat', [...args, '-X', `client.rack=RACK${id}`, '-d', 'fetch']);
      equal(stdout.toString().trim().split('\n').length, 500, 'records');
      const from = new RegExp(`127\\.0\\.0\\.1:${cluster.broker(id).port}/${id}[^\\n]*Fetch topic c-near \\[0\\]`);
      ensure(from.test(stderr), `broker ${id} was asked: ${stderr.slice(-3000)}`);
    }
  });
}

async function reassignment(tally: Tally, tools: Tools, cluster: BrokerCluster): Promise<void> {
  const topic = 'c-move';
  const all = (replicas: readonly number[]): Assignment[] =>
    [0, 1, 2, 3].map((partition) => ({ topic, partition, replicas }));
  const throttles = async (): Promise<string> =>
    (await tools.run('configs', ['--describe', '--entity-type', 'brokers'])) +
    (await tools.run('configs', ['--describe', '--entity-type', 'topics', '--entity-name', topic]));
  const replicasNow = async (): Promise<string> =>
    JSON.stringify((await tools.describe(topic)).map(({ replicas }) => replicas));

  await tally.check(
    'cluster: kafka-reassign-partitions moves replicas, throttled, while records come and go',
    async () => {
      await tools.create(topic, ['--replica-assignment', '1:2,1:2,1:2,1:2']);
      await tools.run('producer-perf-test', [
        ...['--topic', topic, '--num-records', '20000', '--record-size', '1000', '--throughput', '-1'],
      ]);
      const generated = await tools.withJson({ version: 1, topics: [{ topic }] }, (path) =>
        tools.run('reassign-partitions', ['--topics-to-move-json-file', path, '--broker-list', '2,3', '--generate']),
      );
      ensure(/Proposed partition reassignment configuration/.test(generated), generated);
      const started = await tools.reassign(all([2, 3]), '--execute', '--throttle', `${SLOW_BYTES_PER_S}`);
      ensure(/Successfully started partition reassignments/.test(started), started);
      ensure((await throttles()).includes('replication.throttled.rate'), 'the throttle is set');
      const listed = await tools.run('reassign-partitions', ['--list']);
      ensure(new RegExp(`${topic}-0: replicas: 2,3,1\\. adding: 3\\. removing: 1\\.`).test(listed), listed);
      await tools.run('console-producer', ['--topic', topic, '--producer-property', 'acks=all'], lines(0, 100));
      const consumed = await tools.run('console-consumer', [
        ...['--topic', topic, '--from-beginning', '--max-messages', '20100', '--timeout-ms', '30000'],
      ]);
      equal(consumed.trim().split('\n').length, 20_100, 'records read during the move');
      const verified = await tools.reassign(all([2, 3]), '--verify', '--preserve-throttles');
      ensure(/still in progress/.test(verified), verified);
      await tools.reassign(all([2, 3]), '--execute', '--additional', '--throttle', `${FAST_BYTES_PER_S}`);
      await until('the move is complete', async () =>
        /^(?!.*still in progress)/s.test(await tools.reassign(all([2, 3]), '--verify')),
      );
      equal(await replicasNow(), '[[2,3],[2,3],[2,3],[2,3]]', 'replicas');
      ensure(!(await throttles()).includes('throttled'), 'the throttles are gone');
      ensure(
        /No partition reassignments found/.test(await tools.run('reassign-partitions', ['--list'])),
        'none is left',
      );
    },
  );

  await tally.check('cluster: kafka-reassign-partitions --cancel puts everything back', async () => {
    await tools.reassign(all([1, 3]), '--execute', '--throttle', `${SLOW_BYTES_PER_S}`);
    const cancelled = await tools.reassign(all([1, 3]), '--cancel');
    ensure(/Successfully cancelled|cancelled/i.test(cancelled), cancelled);
    ensure(/No partition reassignments found/.test(await tools.run('reassign-partitions', ['--list'])), 'none is left');
    // What the move would have put first goes, and the others stay in the order that it gave them, as in Kafka.
    equal(await replicasNow(), '[[3,2],[3,2],[3,2],[3,2]]', 'replicas');
    ensure(!(await throttles()).includes('throttled'), 'the throttles are gone');
    await until('all are in sync', async () =>
      (await tools.describe(topic)).every(({ inSync }) => inSync.length === 2),
    );
    ensure(
      cluster.brokers.every(({ pid }) => pid !== undefined),
      'all brokers run',
    );
  });
}

async function elections(tally: Tally, tools: Tools, cluster: BrokerCluster): Promise<void> {
  const elect = (type: string, ...which: readonly string[]): Promise<string> =>
    tools.try('leader-election', ['--election-type', type, ...which]);
  const leaders = async (topic: string): Promise<string[]> => (await tools.describe(topic)).map(({ leader }) => leader);

  await tally.check('cluster: kafka-leader-election brings preferred leaders back', async () => {
    await tools.create('c-elect', ['--replica-assignment', '1:2:3,1:3:2,2:1:3']);
    await cluster.broker(1).signal('SIGKILL');
    await until('others lead', async () => !(await leaders('c-elect')).includes('1'));
    await cluster.broker(1).run();
    await until('it is in sync', async () =>
      (await tools.describe('c-elect')).every(({ inSync }) => inSync.length === 3),
    );
    const one = await elect('preferred', '--topic', 'c-elect', '--partition', '0');
    ensure(/Successfully completed leader election \(PREFERRED\) for partitions c-elect-0/.test(one), one);
    equal((await leaders('c-elect'))[0], '1', 'leader of partition 0');
    const all = await elect('preferred', '--all-topic-partitions');
    ensure(/Successfully completed|Valid replica already elected/.test(all), all);
    equal(await leaders('c-elect'), ['1', '1', '2'], 'leaders');
    const again = await elect('preferred', '--topic', 'c-elect', '--partition', '0');
    ensure(/Valid replica already elected for partitions c-elect-0/.test(again), again);
  });

  await tally.check('cluster: kafka-leader-election elects uncleanly where it is asked to', async () => {
    await tools.create('c-unclean', ['--replica-assignment', '1:2', '--config', 'min.insync.replicas=1']);
    await tools.run('console-producer', ['--topic', 'c-unclean'], lines(0, 10));
    await cluster.broker(2).signal('SIGKILL');
    await until('one is out of sync', async () => (await tools.describe('c-unclean'))[0]?.inSync.length === 1);
    await tools.run('console-producer', ['--topic', 'c-unclean'], lines(10, 10));
    await cluster.broker(1).signal('SIGKILL');
    await cluster.broker(2).run();
    await until('nobody leads', async () => (await leaders('c-unclean'))[0] === 'none');
    const refused = await elect('preferred', '--topic', 'c-unclean', '--partition', '0');
    ensure(/PreferredLeaderNotAvailable|preferred leader/i.test(refused), refused);
    const elected = await elect('unclean', '--topic', 'c-unclean', '--partition', '0');
    ensure(/Successfully completed leader election \(UNCLEAN\)/.test(elected), elected);
    equal(await leaders('c-unclean'), ['2'], 'leader');
    await cluster.broker(1).run();
    await until('both are in sync', async () => (await tools.describe('c-unclean'))[0]?.inSync.length === 2);
    await tools.run('console-producer', ['--topic', 'c-unclean'], lines(20, 10));
  });
}

async function oneBrokerDown(tally: Tally, tools: Tools, cluster: BrokerCluster): Promise<void> {
  await tally.check(
    'cluster without a broker: kafka-topics tells what is missing, and creates with three replicas',
    async () => {
      await cluster.broker(3).signal('SIGKILL');
      await until('it is out of sync', async () =>
        (await tools.describe('c-elect')).every(({ inSync }) => !inSync.includes(3)),
      );
      const under = await tools.run('topics', ['--describe', '--under-replicated-partitions', '--topic', 'c-elect']);
      equal(under.trim().split('\n').length, 3, 'under-replicated partitions');
      equal(
        await tools.run('topics', ['--describe', '--under-min-isr-partitions', '--topic', 'c-elect']),
        '',
        'too few',
      );
      const at = await tools.run('topics', ['--describe', '--at-min-isr-partitions', '--topic', 'c-elect']);
      equal(at.trim().split('\n').length, 3, 'partitions with just enough');
      await tools.create('c-short', ['--partitions', '3', '--replication-factor', '3']);
      for (const { replicas, inSync } of await tools.describe('c-short')) {
        equal(
          [[...replicas].sort(), [...inSync].sort()],
          [
            [1, 2, 3],
            [1, 2],
          ],
          'replicas and those in sync',
        );
      }
      await tools.run('console-producer', ['--topic', 'c-short', '--producer-property', 'acks=all'], lines(0, 30));
      await tools.run('topics', ['--alter', '--topic', 'c-short', '--partitions', '4']);
    },
  );
  await inquiries(tally, tools, [1, 2]);
  await tally.check('cluster: a broker that comes back is in sync again', async () => {
    await cluster.broker(3).run();
    for (const topic of ['c-elect', 'c-short', 'c-near']) {
      await until(`${topic} is in sync`, async () =>
        (await tools.describe(topic)).every(({ replicas, inSync }) => inSync.length === replicas.length),
      );
    }
  });
}

async function unregister(tally: Tally, tools: Tools, cluster: BrokerCluster): Promise<void> {
  await tally.check('cluster: kafka-cluster unregister removes a dead broker, and it may come back', async () => {
    const refused = await tools.try('cluster', ['unregister', '--id', '77']);
    ensure(/BrokerIdNotRegistered|not registered/i.test(refused), refused);
    await cluster.broker(3).signal('SIGTERM');
    const said = await tools.run('cluster', ['unregister', '--id', '3']);
    ensure(/Broker 3 is no longer registered/.test(said), said);
    ensure(!/^3\s/m.test(await tools.run('cluster', ['list-endpoints', '--include-fenced-brokers'])), 'it is gone');
    await cluster.broker(3).run();
    await until('it is in sync', async () =>
      (await tools.describe('c-elect')).every(({ inSync }) => inSync.length === 3),
    );
  });
}
