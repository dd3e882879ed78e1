/**
 * Disks of a living broker that fail or are full: others lead what is on them, and the broker goes on with the rest.
 */
import { expect, test } from 'vitest';
import type { PartitionImage } from '../broker/metadata/mod.ts';
import { buildBatch, ErrorCode } from '../broker/protocol/mod.ts';
import { SimClient } from './sim/sim-client.ts';
import type { SimCluster } from './sim/sim-cluster.ts';
import * as calls from './support/calls.ts';
import { SimAdmin } from './support/sim-admin.ts';

const TOPIC = 'orders';
const PARTITIONS = 6;

interface World {
  readonly cluster: SimCluster;
  readonly client: SimClient;
  readonly partitions: () => readonly PartitionImage[];
}

async function start(overrides: Readonly<Record<string, string>> = {}): Promise<World> {
  const admin = await SimAdmin.start(4, overrides);
  await admin.createTopic(TOPIC, PARTITIONS);
  const cluster = admin.world;
  const { clock, network, bootstrapPorts: ports } = cluster;
  const client = new SimClient({ name: 'producer', clock, network: network.endpoint('client-producer'), ports });
  const partitions = (): readonly PartitionImage[] =>
    cluster.nodes.find(({ state }) => state === 'running')?.running?.broker.image.topicsByName.get(TOPIC)?.partitions ??
    [];
  return { cluster, client, partitions };
}

/** The error code of a produce to who led the partition when it was sent. */
async function produce({ cluster, client, partitions }: World, index: number): Promise<number> {
  const records = buildBatch({ records: [{ timestamp: 1, key: null, value: Buffer.alloc(4000) }] });
  let errorCode = -1;
  void client
    .ask(cluster.clientPort(partitions()[index]?.leader as number), calls.produceCall, 12, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: TOPIC, partitionData: [{ index, records }] }],
    })
    .then(
      ({ responses }) => {
        errorCode = responses[0]?.partitionResponses[0]?.errorCode ?? -1;
      },
      () => {},
    );
  await cluster.pass(300);
  return errorCode;
}

async function produceToAll(world: World): Promise<number[]> {
  const errors: number[] = [];
  for (let index = 0; index < PARTITIONS; index++) errors.push(await produce(world, index));
  return errors;
}

const ALL_WELL = Array<number>(PARTITIONS).fill(ErrorCode.NONE);

test('leaders move from a full disk at once, and its replicas come back when there is room', async () => {
  const world = await start();
  const { cluster, partitions } = world;
  expect(await produceToAll(world)).toEqual(ALL_WELL);
  const victim = cluster.node(partitions()[0]?.leader as number);
  const { freeBytes, totalBytes } = victim.disk.space('/');
  victim.disk.capacityBytes = totalBytes - freeBytes;
  await produce(world, 0);
  const hasLeft = (): boolean => partitions().every(({ inSyncReplicas }) => !inSyncReplicas.includes(victim.id));
  expect(await cluster.until(hasLeft, 2000)).toBe(true);
  expect(partitions().map(({ leader }) => leader)).not.toContain(victim.id);
  expect(await produceToAll(world)).toEqual(ALL_WELL);
  // It stays out for as long as there is no room, also of partitions that nobody writes to.
  await cluster.pass(20_000);
  expect(hasLeft()).toBe(true);
  expect(victim.state).toBe('running');
  victim.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  const isWhole = (): boolean => partitions().every(({ inSyncReplicas }) => inSyncReplicas.length === 3);
  expect(await cluster.until(isWhole, 30_000)).toBe(true);
  expect(await produceToAll(world)).toEqual(ALL_WELL);
  for (const { id } of cluster.nodes) cluster.kill(id);
});

test('disks that are full everywhere move nobody, and all go on when there is room', async () => {
  const world = await start();
  const { cluster, partitions } = world;
  expect(await produceToAll(world)).toEqual(ALL_WELL);
  for (const { disk } of cluster.nodes) {
    const { freeBytes, totalBytes } = disk.space('/');
    disk.capacityBytes = totalBytes - freeBytes;
  }
  for (let round = 0; round < 5; round++) await produceToAll(world);
  expect(partitions().every(({ leader }) => leader > 0)).toBe(true);
  for (const { disk } of cluster.nodes) disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  const isWhole = (): boolean => partitions().every(({ inSyncReplicas }) => inSyncReplicas.length === 3);
  expect(await cluster.until(isWhole, 30_000)).toBe(true);
  expect(await produceToAll(world)).toEqual(ALL_WELL);
  for (const { id } of cluster.nodes) cluster.kill(id);
});

test('a log folder that fails takes its partitions with it; those in the other stay', async () => {
  const world = await start({ 'log.dirs': '/data/a,/data/b' });
  const { cluster, partitions } = world;
  expect(await produceToAll(world)).toEqual(ALL_WELL);
  const victim = cluster.node(partitions()[0]?.leader as number);
  const logs = victim.running?.broker.logs;
  const pathOf = (index: number): string => logs?.get(TOPIC, index)?.logFolder.path ?? '';
  const folders = partitions().map(({ partition }) => pathOf(partition));
  expect(new Set(folders).size).toBe(2);
  const failed = folders[0] as string;
  victim.disk.inject({ operation: 'write', kind: 'EIO', path: new RegExp(`^${failed}/.*\\.log$`) });
  for (let tries = 0; tries < 3; tries++) await produceToAll(world);
  const isInSync = (): boolean[] => partitions().map(({ inSyncReplicas }) => inSyncReplicas.includes(victim.id));
  const wanted = folders.map((folder) => folder !== failed);
  expect(await cluster.until(() => isInSync().join() === wanted.join(), 10_000)).toBe(true);
  expect(await produceToAll(world)).toEqual(ALL_WELL);
  expect(victim.state).toBe('running');
  for (const { id } of cluster.nodes) cluster.kill(id);
});

test('a broker whose last log folder fails ends by itself, and others lead what it led', async () => {
  const world = await start();
  const { cluster, partitions } = world;
  expect(await produceToAll(world)).toEqual(ALL_WELL);
  const victim = cluster.node(partitions()[0]?.leader as number);
  victim.disk.inject({ operation: 'write', kind: 'EIO', path: /\.log$/ });
  for (let tries = 0; tries < 4; tries++) await produce(world, 0);
  expect(victim.state).toBe('stopped');
  const hasMoved = (): boolean => partitions().every(({ leader }) => leader > 0 && leader !== victim.id);
  expect(await cluster.until(hasMoved, 2000)).toBe(true);
  expect(await produceToAll(world)).toEqual(ALL_WELL);
  for (const { id } of cluster.nodes) if (id !== victim.id) cluster.kill(id);
});
