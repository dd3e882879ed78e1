/**
 * How long writes pause when a broker goes, beside a real Kafka: `npm run chaos -- --availability`.
 *
 * The client is kload (librdkafka), the same for both, with the same settings; both keep three replicas and want two in
 * sync. Every case runs on both before the next repeat begins.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists, mustRun, run } from '../support/command.ts';
import { kafkaLauncher } from '../support/kafka-home.ts';
import { pause } from '../support/real-world.ts';
import { ensure, type Tally } from '../support/tally.ts';
import { BrokerGroup, NODE_IDS, PARTITIONS, TOPIC } from './broker-group.ts';
import { Cluster } from './cluster.ts';
import { quantile } from './gap-meter.ts';

const loadBuilder = fileURLToPath(new URL('../../../shared/load/build.sh', import.meta.url));
const RATE_PER_S = 1000;
const RUN_SECONDS = 12;
const BEFORE_MS = 4000;
const AWAY_MS = 3000;
const KAFKA_PORT = 29092;

interface System {
  readonly name: string;
  readonly group: BrokerGroup;
  signal(id: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  start(id: number): Promise<void>;
  stop(): Promise<void>;
}

interface Case {
  readonly title: string;
  readonly signal: 'SIGKILL' | 'SIGTERM';
  readonly isController: boolean;
}

const CASES: readonly Case[] = [
  { title: 'kill -9 of a leader', signal: 'SIGKILL', isController: false },
  { title: 'kill -9 of the controller, a leader', signal: 'SIGKILL', isController: true },
  { title: 'SIGTERM of a leader', signal: 'SIGTERM', isController: false },
];

export async function compareAvailability(tally: Tally, repeats: number): Promise<void> {
  if (!existsSync(loadBuilder)) return tally.skip('availability', 'there is no load generator beside the repository');
  const folder = (await mustRun(loadBuilder, [], { timeoutMs: 600_000 })).stdout.toString().trim().split('\n').at(-1);
  const rows: string[] = [];
  const systems: System[] = [await startOttla()];
  if (existsSync(kafkaLauncher) && (await exists('java'))) systems.push(await startKafka());
  else tally.skip('availability of Kafka', 'Java or its launcher is missing');
  try {
    for (const each of CASES) {
      const gapsMs = new Map<string, number[]>(systems.map(({ name }) => [name, []]));
      for (let repeat = 1; repeat <= repeats; repeat++) {
        for (const system of systems) {
          await tally.check(`${system.name}: ${each.title}, ${repeat}`, async () => {
            gapsMs.get(system.name)?.push(await measure(system, each, `${folder}/kload`));
          });
        }
      }
      const cells = systems.flatMap(({ name }) => {
        const gaps = gapsMs.get(name) ?? [];
        return [quantile(gaps, 0.5), Math.max(0, ...gaps)].map((ms) => `${Math.round(ms)} ms`);
      });
      rows.push(`| ${each.title} | ${cells.join(' | ')} |`);
    }
  } finally {
    for (const system of systems) await system.stop();
  }
  const heads = systems.flatMap(({ name }) => [`${name}, median`, 'worst']);
  const rule = `|---${'|---'.repeat(heads.length)}|`;
  const table = [`| longest time without a write | ${heads.join(' | ')} |`, rule, ...rows];
  process.stdout.write(`\n${table.join('\n')}\n\n`);
}

async function measure(system: System, { signal, isController }: Case, kload: string): Promise<number> {
  const { group } = system;
  await group.settled();
  await group.balance();
  const controllerId = await group.controllerId();
  const victim = isController ? controllerId : (NODE_IDS.find((id) => id !== controllerId) as number);
  const running = run(
    kload,
    // biome-ignore format: one flag and its value at a time
    ['avail', '-b', group.bootstrap, '-t', TOPIC, '-P', `${PARTITIONS}`, '-r', `${RATE_PER_S}`, '-d', `${RUN_SECONDS}`],
    { timeoutMs: 180_000 },
  );
  await pause(BEFORE_MS);
  await system.signal(victim, signal);
  await pause(AWAY_MS);
  await system.start(victim);
  const { stdout, stderr } = await running;
  ensure(stdout.length > 0, `kload said nothing: ${stderr}`);
  const said = JSON.parse(stdout.toString());
  const { acked, failed, acked_but_lost: lost, twice, out_of_order: disorder } = said;
  ensure(acked > 0 && failed + lost + twice + disorder === 0, stdout.toString());
  return said.longest_gap_ms;
}

async function startOttla(): Promise<System> {
  const cluster = await Cluster.start({ isProxied: false, overrides: { 'ottla.stop.permit.ms': '15000' } });
  return {
    name: 'Ottla',
    group: cluster.group,
    signal: (id, signal) => cluster.process(id).signal(signal),
    start: (id) => cluster.process(id).run(),
    async stop() {
      await cluster.close();
      cluster.removeFolder();
    },
  };
}

async function startKafka(): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-chaos-kafka-'));
  const settings = ['-n', '3', '-p', `${KAFKA_PORT}`, '-d', folder, '-H', '512m', '-o', 'min.insync.replicas=2'];
  await mustRun(kafkaLauncher, ['start', ...settings], { timeoutMs: 180_000 });
  const group = new BrokerGroup(new Map(NODE_IDS.map((id) => [id, { host: '127.0.0.1', port: KAFKA_PORT + id - 1 }])));
  await group.createTopic();
  return {
    name: 'Kafka',
    group,
    async signal(id, signal) {
      const pid = Number(readFileSync(join(folder, `${id}.pid`), 'utf8'));
      process.kill(pid, signal);
    },
    async start(id) {
      const pid = readFileSync(join(folder, `${id}.pid`), 'utf8').trim();
      while (existsSync(`/proc/${pid}`)) await pause(50);
      await mustRun(kafkaLauncher, ['restart', `${id}`, '-d', folder], { timeoutMs: 120_000 });
    },
    async stop() {
      group.close();
      await run(kafkaLauncher, ['stop', '-d', folder], { timeoutMs: 120_000 });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
