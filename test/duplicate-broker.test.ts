/** Two processes under one broker id, each with data of its own: never do both lead. */
import { expect, test } from 'vitest';
import { BrokerConfig } from '../broker/config/mod.ts';
import { MemoryStore } from '../broker/coordination/mod.ts';
import { type RunningBroker, startBroker } from '../broker/start-broker.ts';
import { MemoryDisk } from '../broker/std/sim/memory-disk.ts';
import { SimCluster, type SimNode } from './sim/sim-cluster.ts';

const TWIN_CONTROL_PORT = 9601;

async function start(): Promise<{ readonly cluster: SimCluster; readonly controllerId: number }> {
  const cluster = new SimCluster({ seed: 11, brokers: 3 });
  for (const { id } of cluster.nodes) cluster.start(id);
  expect(await cluster.until(() => cluster.nodes.every(({ state }) => state === 'running'), 20_000)).toBe(true);
  const controllerId = cluster.nodes.find(({ running }) => running?.broker.controller.isActive)?.id as number;
  return { cluster, controllerId };
}

/** Starts a second process with the id of the node, on an empty disk. */
function startTwin(cluster: SimCluster, node: SimNode): { running: RunningBroker | undefined } {
  const disk = new MemoryDisk({ clock: cluster.clock });
  disk.makeFolder('/data');
  disk.syncFolder('/');
  const settings = new Map([
    ...cluster.configOf(node).staticValues(),
    ['listeners', `PLAINTEXT://127.0.0.1:9101,CONTROL://127.0.0.1:${TWIN_CONTROL_PORT}`],
  ]);
  const own: SimNode = { ...node, disk, isPaused: false, held: [], running: undefined };
  const runtime = { ...cluster.runtimeOf(own), network: cluster.network.endpoint('twin') };
  const store = new MemoryStore(cluster.store, runtime.clock, { caller: 'twin' });
  const twin: { running: RunningBroker | undefined } = { running: undefined };
  void startBroker({ runtime, config: new BrokerConfig(settings), store }).then((running) => {
    twin.running = running;
  });
  return twin;
}

test('a process whose id another took over ends by itself, and no longer answers anybody', async () => {
  const { cluster, controllerId } = await start();
  const victim = cluster.nodes.find(({ id }) => id !== controllerId) as SimNode;
  const others = cluster.nodes.filter(({ id }) => id !== victim.id);
  for (const { id } of others) cluster.cutLink(victim.id, id);
  const twin = startTwin(cluster, victim);
  expect(await cluster.until(() => twin.running !== undefined, 60_000)).toBe(true);
  cluster.heal();
  expect(await cluster.until(() => victim.state === 'stopped', 10_000)).toBe(true);
  expect(twin.running?.isReady()).toBe(true);
  cluster.network.kill('twin');
  for (const { id } of others) cluster.kill(id);
});

test('a twin of the controller is refused, and takes nothing from it', async () => {
  const { cluster, controllerId } = await start();
  const controller = cluster.node(controllerId);
  const epoch = controller.running?.broker.controller.epoch;
  const twin = startTwin(cluster, controller);
  await cluster.pass(60_000);
  expect(twin.running).toBeUndefined();
  expect(controller.state).toBe('running');
  expect(controller.running?.broker.controller).toMatchObject({ isActive: true, epoch });
  for (const { id } of cluster.nodes) cluster.kill(id);
});
