/**
 * Speed beside a real Kafka, in one run on one machine: `npm run bench [-- scenario…] [--peer none] [--short]`.
 *
 * Cases are interleaved and repeated; medians and spread count, and the ratio to the peer more than any absolute
 * figure. Results go to test/bench/results/ as JSON and a table.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { chosenCrc32c } from '../../broker/protocol/mod.ts';
import { silentLogger } from '../../broker/std/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import * as calls from '../support/calls.ts';
import { exists, installPackage, mustRun } from '../support/command.ts';
import { startKafka } from '../support/kafka-process.ts';
import { ensure, Tally } from '../support/tally.ts';

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url));
const resultsFolder = fileURLToPath(new URL('./results/', import.meta.url));
const runtime = nodeRuntime(silentLogger);

interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** The ratio to Kafka that we want to reach; above 1 more is better, below 1 less is better. */
  readonly goal: number;
  readonly lessIsBetter?: boolean;
  readonly measure: (peer: Peer, topic: string, scale: number) => Promise<number>;
}

interface Peer {
  readonly name: 'ottla' | 'kafka';
  readonly bootstrap: string;
  readonly port: number;
  readonly pid: () => number;
}

let kload = '';
/** Both brokers remove the files of a deleted topic after this time. */
const DELETE_DELAY_MS = 500;
const WARM_PAGES_MIB = 3000;
/** Linux counts processor time in ticks of 10 ms. */
const TICKS_PER_S = 100;

async function load(mode: string, peer: Peer, topic: string, args: readonly string[]): Promise<Record<string, number>> {
  const { stdout } = await mustRun(kload, [mode, '-b', peer.bootstrap, '-t', topic, ...args], { timeoutMs: 180_000 });
  return JSON.parse(stdout.toString().trim().split('\n').at(-1) ?? '{}') as Record<string, number>;
}

const figure = (result: Record<string, number>, ...names: string[]): number => {
  for (const name of names) if (result[name] !== undefined) return result[name] as number;
  throw new Error(`kload answered ${JSON.stringify(result)}`);
};

const produce =
  (count: number, bytes: number, ...extra: string[]) =>
  async (peer: Peer, topic: string, scale: number): Promise<number> => {
    const n = Math.max(2000, Math.round(count * scale));
    return figure(await load('produce', peer, topic, ['-n', `${n}`, '-s', `${bytes}`, ...extra]), 'messages_per_s');
  };

const scenarios: readonly Scenario[] = [
  {
    name: 'produce-1k',
    title: 'produce 1 kB, acks=1',
    unit: 'msg/s',
    goal: 2,
    measure: produce(2_000_000, 1000, '-X', 'acks=1'),
  },
  {
    name: 'produce-100',
    title: 'produce 100 B, acks=1',
    unit: 'msg/s',
    goal: 1.5,
    measure: produce(15_000_000, 100, '-X', 'acks=1'),
  },
  {
    name: 'produce-idempotent',
    title: 'produce 1 kB, acks=all, idempotent',
    unit: 'msg/s',
    goal: 2,
    measure: produce(2_000_000, 1000, '-X', 'enable.idempotence=true'),
  },
  {
    name: 'produce-single',
    title: 'produce 100 B, one record per request',
    unit: 'req/s',
    goal: 3,
    measure: produce(100_000, 100, '-X', 'linger.ms=0', '-X', 'batch.num.messages=1', '-X', 'acks=1'),
  },
  {
    name: 'consume-1k',
    title: 'consume 1 kB from the start',
    unit: 'msg/s',
    goal: 1,
    async measure(peer, topic, scale) {
      const n = `${Math.round(1_000_000 * scale)}`;
      await load('produce', peer, topic, ['-n', n, '-s', '1000', '-X', 'acks=1']);
      return figure(await load('consume', peer, topic, ['-n', n]), 'messages_per_s');
    },
  },
  {
    name: 'latency',
    title: 'end to end p99 at 1,000 msg/s of 100 B',
    unit: 'ms',
    goal: 1,
    lessIsBetter: true,
    async measure(peer, topic, scale) {
      const seconds = `${Math.max(4, Math.round(12 * scale))}`;
      const result = await load('e2e', peer, topic, ['-r', '1000', '-d', seconds, '-s', '100', '-X', 'linger.ms=0']);
      return figure(result, 'p99_ms');
    },
  },
  {
    name: 'memory',
    title: 'resident memory after the load above',
    unit: 'MB',
    goal: 0.35,
    lessIsBetter: true,
    measure: async (peer) => {
      const status = readFileSync(`/proc/${peer.pid()}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000;
    },
  },
];

function showRatio(ratio: number | undefined): string {
  return ratio === undefined ? '-' : `${ratio.toFixed(2)}x`;
}

/** Seconds of processor time that a process has used, its threads included. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/**
 * Writes a file larger than any case needs and removes it: pages that the host must first hand out cost several times
 * more than those the machine already has, and the case that comes upon them first would pay for both brokers.
 */
async function warmPages(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-bench-'));
  try {
    await mustRun('dd', [
      'if=/dev/zero',
      `of=${join(folder, 'pages')}`,
      'bs=1M',
      `count=${WARM_PAGES_MIB}`,
      'status=none',
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What a case wrote would slow the next one down while the disk works on it: delete it, and let the disk come to rest.
 */
async function cleanUp(peer: Peer, topic: string): Promise<void> {
  const connection = await KafkaConnection.open({ runtime, host: '127.0.0.1', port: peer.port, clientId: 'bench' });
  await calls.deleteTopic(connection, topic);
  connection.close();
  await new Promise((resolve) => setTimeout(resolve, 2 * DELETE_DELAY_MS));
  await mustRun('sync', []);
}

async function createTopic(peer: Peer, topic: string): Promise<void> {
  const connection = await KafkaConnection.open({ runtime, host: '127.0.0.1', port: peer.port, clientId: 'bench' });
  await calls.createTopic(connection, topic, 4);
  connection.close();
}

const args = process.argv.slice(2);
const isShort = args.includes('--short');
const hasPeer = args[args.indexOf('--peer') + 1] !== 'none' || !args.includes('--peer');
const chosen = args.filter((arg) => scenarios.some(({ name }) => name === arg));
const wanted = scenarios.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
const repeats = isShort ? 1 : 3;
const scale = isShort ? 0.1 : 1;
const tally = new Tally();

async function main(): Promise<void> {
  const build = join(shared, 'load/build.sh');
  if (!existsSync(build) || !(await exists('gcc'))) {
    tally.skip('bench', 'the load generator cannot be built here');
    return;
  }
  const { stdout } = await mustRun(build, [], { timeoutMs: 600_000 });
  kload = join(stdout.toString().trim().split('\n').at(-1) as string, 'kload');

  // The fastest checksum is a library of the system, which the broker takes when it is there.
  if (chosenCrc32c.name !== 'isa-l') await installPackage('libisal2');
  const startedMs = performance.now();
  const broker = await BrokerProcess.start({
    overrides: { 'node.id': '1', 'log.segment.delete.delay.ms': `${DELETE_DELAY_MS}` },
  });
  const ottlaStartMs = performance.now() - startedMs;
  const crc32c = /"crc32c":"([a-z-]+)"/.exec(await broker.logged('broker is serving'))?.[1] ?? 'unknown';
  process.stdout.write(`node ${process.version}, CRC-32C by ${crc32c}\n`);
  const ottla: Peer = { name: 'ottla', bootstrap: broker.bootstrap, port: broker.port, pid: () => broker.pid ?? 0 };
  const kafka = hasPeer ? await startKafka([`log.segment.delete.delay.ms=${DELETE_DELAY_MS}`]) : undefined;
  if (hasPeer && kafka === undefined) tally.skip('bench beside Kafka', 'Kafka cannot be started here');
  const peers: Peer[] = kafka === undefined ? [ottla] : [ottla, { name: 'kafka', ...kafka }];
  const rows: Record<string, unknown>[] = [];
  const table: string[] = [
    '| scenario | unit | Ottla | Kafka | ratio | goal | CPU of the broker |',
    '|---|---|---|---|---|---|---|',
  ];
  const addRow = (
    s: Pick<Scenario, 'name' | 'title' | 'unit' | 'goal' | 'lessIsBetter'>,
    samples: Map<string, number[]>,
    cpu?: Map<string, number[]>,
  ) => {
    const ours = samples.get('ottla') as number[];
    const theirs = samples.get('kafka');
    const ratio = theirs === undefined ? undefined : median(ours) / median(theirs);
    const cpuRatio =
      cpu === undefined || theirs === undefined
        ? undefined
        : median(cpu.get('ottla') ?? []) / median(cpu.get('kafka') ?? []);
    const sign = s.lessIsBetter === true ? '<=' : '>=';
    const show = (value: number | undefined): string =>
      value === undefined ? '-' : value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
    table.push(
      `| ${s.title} | ${s.unit} | ${show(median(ours))} | ${show(theirs && median(theirs))} | ` +
        `${showRatio(ratio)} | ${sign} ${s.goal}x | ${s.name === 'memory' ? '-' : showRatio(cpuRatio)} |`,
    );
    rows.push({
      cpuSeconds: cpu === undefined ? undefined : Object.fromEntries(cpu),
      name: s.name,
      unit: s.unit,
      ottla: ours,
      kafka: theirs,
      ratio,
      goal: s.goal,
    });
    process.stdout.write(`${table.at(-1)}\n`);
  };
  try {
    for (const scenario of wanted) {
      await tally.check(`bench: ${scenario.title}`, async () => {
        const samples = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
        const cpu = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
        for (let repeat = 0; repeat < repeats; repeat++) {
          for (const peer of peers) {
            const topic = `bench-${scenario.name}-${repeat}`;
            await createTopic(peer, topic);
            if (!isShort) await warmPages();
            const cpuBefore = cpuSeconds(peer.pid());
            const value = await scenario.measure(peer, topic, scale);
            cpu.get(peer.name)?.push(cpuSeconds(peer.pid()) - cpuBefore);
            ensure(Number.isFinite(value) && value > 0, `${peer.name} measured ${value}`);
            samples.get(peer.name)?.push(value);
            await cleanUp(peer, topic);
          }
        }
        addRow(scenario, samples, cpu);
      });
    }
    if (chosen.length === 0) {
      const samples = new Map([['ottla', [ottlaStartMs]]]);
      if (kafka !== undefined) samples.set('kafka', [kafka.startMs]);
      addRow({ name: 'start', title: 'start to listening', unit: 'ms', goal: 0.2, lessIsBetter: true }, samples);
    }
  } finally {
    await kafka?.stop();
    await broker.close();
  }
  if (!isShort && chosen.length === 0) {
    mkdirSync(resultsFolder, { recursive: true });
    writeFileSync(
      join(resultsFolder, 'latest.json'),
      `${JSON.stringify({ node: process.version, crc32c, rows }, null, 2)}\n`,
    );
    writeFileSync(join(resultsFolder, 'latest.md'), `${table.join('\n')}\n`);
  }
}

await main();
tally.finish();
