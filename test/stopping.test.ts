/**
 * Brokers that are told to stop at bad moments. Whatever the cluster is like, a broker that wrote nothing is not taken
 * for one that crashed, and one that did has its logs flushed before its grace is over.
 */
import { expect, test } from 'vitest';
import { decodeBatch, type MetadataRecord, type PartitionImage } from '../broker/metadata/mod.ts';
import { ErrorCode } from '../broker/protocol/mod.ts';
import { SimClient } from './sim/sim-client.ts';
import { CONTROL_PORT, SimCluster } from './sim/sim-cluster.ts';
import * as calls from './support/calls.ts';

type PartitionChange = Extract<MetadataRecord, { kind: 'PartitionChange' }>;

const TOPIC = 'kept';
const MARKER = '/data/.kafka_cleanshutdown';
const GRACE_MS = 20_000;
/** Logs have the second half of so short a grace. */
const FLUSH_MS = GRACE_MS / 2;

async function start(brokers: number, overrides: Readonly<Record<string, string>> = {}): Promise<SimCluster> {
  const cluster = new SimCluster({
    seed: 5,
    brokers,
    overrides: { 'ottla.stop.grace.ms': `${GRACE_MS}`, ...overrides },
  });
  for (const { id } of cluster.nodes) cluster.start(id);
  expect(await cluster.until(() => cluster.nodes.every(({ state }) => state === 'running'), 20_000)).toBe(true);
  const { clock, network, bootstrapPorts: ports } = cluster;
  const admin = new SimClient({ name: 'admin', clock, network: network.endpoint('client'), ports });
  const created = admin.ask(admin.anyPort(), calls.createTopicsCall, 7, {
    timeoutMs: 5000,
    validateOnly: false,
    topics: [{ name: TOPIC, numPartitions: 1, replicationFactor: brokers, assignments: [], configs: [] }],
  });
  await cluster.pass(3000);
  expect((await created).topics[0]?.errorCode).toBe(ErrorCode.NONE);
  return cluster;
}

function markerOf(cluster: SimCluster, id: number): string | undefined {
  const { disk } = cluster.node(id);
  return disk.exists(MARKER) ? disk.readFile(MARKER).toString() : undefined;
}

function partitionOf(cluster: SimCluster, id: number): PartitionImage | undefined {
  return cluster.node(id).running?.broker.image.topicsByName.get(TOPIC)?.partitions[0];
}

function bystanderOf(cluster: SimCluster): number {
  const controllerId = cluster.node(1).running?.broker.image.controllerId;
  return cluster.nodes.find(({ id }) => id !== controllerId)?.id as number;
}

/** How long the broker takes from the signal to its end. */
async function stopMs(cluster: SimCluster, id: number, permitMs: number): Promise<number> {
  const startedMs = cluster.clock.monotonicMs();
  cluster.stop(id, permitMs);
  expect(await cluster.until(() => cluster.node(id).state === 'stopped', 60_000)).toBe(true);
  return cluster.clock.monotonicMs() - startedMs;
}

test.each([0, 8000, 60_000])(
  'logs are flushed in time although no controller answers (permit %i ms)',
  async (permitMs) => {
    const cluster = await start(3);
    const id = bystanderOf(cluster);
    for (const other of cluster.nodes) if (other.id !== id) cluster.cutLink(id, other.id);
    const tookMs = await stopMs(cluster, id, permitMs);
    expect(tookMs).toBeLessThanOrEqual(FLUSH_MS + 100);
    expect(markerOf(cluster, id)).toMatch(/brokerEpoch/);
    expect(cluster.failures).toEqual([]);
  },
);

test.each(['stop', 'kill', 'losePower'] as const)(
  '%s of a broker that waits for its store costs nothing',
  async (end) => {
    const cluster = await start(1, { 'min.insync.replicas': '1' });
    cluster.stop(1, 0);
    expect(await cluster.until(() => cluster.node(1).state === 'stopped', 20_000)).toBe(true);
    const marker = markerOf(cluster, 1);
    expect(marker).toMatch(/brokerEpoch/);
    const mend = cluster.store.makeUnavailable();
    cluster.start(1);
    await cluster.pass(5000);
    cluster[end](1);
    // Nothing of its cluster is there to be waited for.
    await cluster.pass(100);
    expect(cluster.node(1).state).toBe('stopped');
    expect(markerOf(cluster, 1)).toBe(marker);
    mend();
    const changes: PartitionChange[] = [];
    cluster.onAppended = (_id, _offset, payload) => {
      for (const record of decodeBatch(payload).records) if (record.kind === 'PartitionChange') changes.push(record);
    };
    cluster.start(1);
    expect(await cluster.until(() => cluster.node(1).state === 'running', 20_000)).toBe(true);
    expect([...(partitionOf(cluster, 1)?.inSyncReplicas ?? [])]).toEqual([1]);
    // Whoever crashed leads as the last that is known of, and has to recover.
    expect(changes).not.toEqual([]);
    expect(changes.filter(({ leaderRecoveryState }) => leaderRecoveryState === 1)).toEqual([]);
    // From here on it writes, and a marker would lie.
    expect(markerOf(cluster, 1)).toBeUndefined();
    expect(cluster.failures).toEqual([]);
  },
);

test('peers reach a broker until its logs are closed, and clients do not', async () => {
  const cluster = await start(3);
  const id = bystanderOf(cluster);
  const ports = [cluster.clientPort(id), CONTROL_PORT + id];
  const listening = () => ports.map((port) => cluster.network.isListening(port));
  let whileClosing: boolean[] = [];
  cluster.node(id).disk.beforeChange = (_, operation, path) => {
    if (path === `${MARKER}.tmp` && operation === 'rename') whileClosing = listening();
  };
  expect(listening()).toEqual([true, true]);
  await stopMs(cluster, id, 0);
  expect(whileClosing).toEqual([false, true]);
  expect(listening()).toEqual([false, false]);
});
