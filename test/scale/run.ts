/**
 * Many partitions on three broker processes: `npm run scale [-- --topics 20 --partitions 500]`.
 *
 * Creates them with replication factor 3, looks at what they cost while nothing happens, kills a broker, starts it
 * again, and stops it. Each figure has a goal, and the run fails where one is missed by more than a busy machine
 * explains.
 */
import { parseArgs } from 'node:util';
import { BrokerCluster } from '../support/broker-cluster.ts';
import { bundleBroker } from '../support/bundled-broker.ts';
import { cpuSeconds, openFiles, residentMegabytes } from '../support/process-cost.ts';
import { Tally } from '../support/tally.ts';
import { ClusterView, pause, until } from './cluster-view.ts';
import { metadataBatches } from './metadata-batches.ts';

const { values: args } = parseArgs({
  options: { topics: { type: 'string' }, partitions: { type: 'string' } },
});
const TOPICS = Number(args.topics ?? 20);
const PARTITIONS = Number(args.partitions ?? 500);
const BROKERS = [1, 2, 3];
const IDLE_S = 10;
/** What a busy machine may add to a goal before the run fails. */
const TOLERANCE = 2;

const tally = new Tally();

async function judge(title: string, unit: string, value: number, goal: number): Promise<void> {
  const shown = `${title}: ${value >= 100 ? Math.round(value) : value.toFixed(2)} ${unit} (goal: ${goal})`;
  await tally.check(shown, () => {
    if (value > goal * TOLERANCE) throw new Error(`more than ${TOLERANCE} times the goal`);
  });
}

const secondsSince = (startMs: number): number => (performance.now() - startMs) / 1000;

async function create(view: ClusterView): Promise<void> {
  const startMs = performance.now();
  for (let index = 0; index < TOPICS; index++) await view.createTopic(`scale-${index}`, PARTITIONS);
  process.stdout.write(`        answered after ${secondsSince(startMs).toFixed(2)} s\n`);
  for (const id of BROKERS) {
    await until('every replica is there', async () => (await view.replicasOn(id)) === TOPICS * PARTITIONS);
  }
  await until('every leader answers', async () => (await view.unservedPartitions(BROKERS)) === 0);
  await judge(`${TOPICS * PARTITIONS} partitions of three replicas created`, 's', secondsSince(startMs), 15);
}

async function write(view: ClusterView): Promise<void> {
  const startMs = performance.now();
  await view.writeToAll(BROKERS);
  await judge('a record written to each, with acks=all', 's', secondsSince(startMs), 30);
}

async function idle(cluster: BrokerCluster): Promise<void> {
  await pause(5_000);
  const before = cluster.brokers.map(({ pid }) => cpuSeconds(pid ?? 0));
  await pause(IDLE_S * 1000);
  for (const [index, { pid }] of cluster.brokers.entries()) {
    const cpu = cpuSeconds(pid ?? 0) - (before[index] as number);
    process.stdout.write(`        broker ${index + 1}: ${openFiles(pid ?? 0)} open files\n`);
    await judge(`broker ${index + 1}: processor while nothing happens`, '%', (100 * cpu) / IDLE_S, 4);
    await judge(`broker ${index + 1}: resident memory`, 'MB', residentMegabytes(pid ?? 0), 250);
  }
}

async function fail(cluster: BrokerCluster, view: ClusterView): Promise<number> {
  const controller = await view.controllerId();
  const victim = BROKERS.find((id) => id !== controller) as number;
  const others = BROKERS.filter((id) => id !== victim);
  await view.connect(others);
  const before = metadataBatches(cluster.metadataFolder);
  const startMs = performance.now();
  await cluster.broker(victim).signal('SIGKILL');
  await until('every leader moved', async () => (await view.leadersOn(others[0] as number, victim)) === 0, 50);
  process.stdout.write(`        all leaders moved in metadata after ${secondsSince(startMs).toFixed(2)} s\n`);
  await until('every new leader answers', async () => (await view.unservedPartitions(others)) === 0, 50);
  await judge(`broker ${victim} killed: all partitions served by others`, 's', secondsSince(startMs), 2);
  await pause(1_000);
  const written = [...metadataBatches(cluster.metadataFolder)].filter(([offset]) => !before.has(offset));
  await judge('metadata batches for it', '', written.length, 8);
  const bytes = written.reduce((sum, [, size]) => sum + size, 0);
  await judge('metadata bytes for it', 'kB', bytes / 1000, 1024);
  return victim;
}

async function comeBack(cluster: BrokerCluster, view: ClusterView, victim: number): Promise<void> {
  const startMs = performance.now();
  await cluster.broker(victim).run();
  process.stdout.write(`        unfenced after ${secondsSince(startMs).toFixed(2)} s\n`);
  await until('it is in every in-sync set', async () => (await view.outOfSync(victim)) === 0, 100);
  await judge(`broker ${victim} back in every in-sync set`, 's', secondsSince(startMs), 8);
}

/** Every log has something to flush, and every leader has to move first. */
async function stop(cluster: BrokerCluster, view: ClusterView, id: number): Promise<void> {
  await view.connect(BROKERS);
  await view.writeToAll(BROKERS);
  const startMs = performance.now();
  await cluster.broker(id).signal('SIGTERM');
  await judge(`broker ${id} stopped after a write to each of its logs`, 's', secondsSince(startMs), 10);
}

const cluster = await BrokerCluster.start({
  size: 3,
  program: await bundleBroker('scale'),
  overrides: { 'default.replication.factor': '3', 'min.insync.replicas': '2' },
});
const view = new ClusterView(cluster);
try {
  await view.connect(BROKERS);
  await create(view);
  await idle(cluster);
  await write(view);
  await idle(cluster);
  const victim = await fail(cluster, view);
  await comeBack(cluster, view, victim);
  await idle(cluster);
  await stop(cluster, view, victim);
} catch (error) {
  await tally.check('the run went to its end', () => {
    throw new Error(`${(error as Error).stack}\n${cluster.output}`);
  });
} finally {
  view.close();
  await cluster.kill();
  await cluster.close();
}
tally.finish();
