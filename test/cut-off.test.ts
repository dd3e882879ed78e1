/** A broker that is cut off from the store, alone or together with its peers. */
import { expect, test } from 'vitest';
import { PeerConnector } from '../broker/membership/mod.ts';
import { buildBatch } from '../broker/protocol/mod.ts';
import { ControlSecret } from '../broker/security/mod.ts';
import { SimClient } from './sim/sim-client.ts';
import { CONTROL_PORT, type SimCluster } from './sim/sim-cluster.ts';
import * as calls from './support/calls.ts';
import { SimAdmin } from './support/sim-admin.ts';

const TOPIC = 'orders';
const MINUTE_MS = 60_000;

interface World {
  readonly cluster: SimCluster;
  readonly client: SimClient;
  readonly controllerId: number;
}

async function start(overrides: Readonly<Record<string, string>> = {}): Promise<World> {
  const admin = await SimAdmin.start(11, overrides);
  await admin.createTopic(TOPIC, 3);
  const cluster = admin.world;
  const { clock, network, bootstrapPorts: ports } = cluster;
  const client = new SimClient({ name: 'client', clock, network: network.endpoint('client-client'), ports });
  const controllerId = cluster.nodes.find(({ running }) => running?.broker.controller.isActive)?.id as number;
  return { cluster, client, controllerId };
}

/** What a produce to that broker comes to; `refused` when its connection closes or it does not answer. */
async function produce({ cluster, client }: World, id: number, partition: number, acks: number): Promise<string> {
  const records = buildBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from('x') }] });
  let outcome = 'refused';
  void client
    .ask(cluster.clientPort(id), calls.produceCall, 12, {
      transactionalId: null,
      acks,
      timeoutMs: 1000,
      topicData: [{ name: TOPIC, partitionData: [{ index: partition, records }] }],
    })
    .then(
      ({ responses }) => {
        outcome = String(responses[0]?.partitionResponses[0]?.errorCode);
      },
      () => {},
    );
  await cluster.pass(1500);
  return outcome;
}

function partitionLedBy({ cluster, controllerId }: World, id: number): number {
  const partitions = cluster.node(controllerId).running?.broker.image.topicsByName.get(TOPIC)?.partitions ?? [];
  return partitions.find(({ leader }) => leader === id)?.partition ?? -1;
}

test.each(['the controller', 'another broker'])(
  '%s that loses the store alone leads on for ten minutes, and is not fenced',
  { timeout: 60_000 },
  async (who) => {
    const world = await start();
    const { cluster, controllerId } = world;
    const victim =
      who === 'the controller' ? controllerId : (cluster.nodes.find(({ id }) => id !== controllerId)?.id ?? 0);
    const witness = cluster.nodes.find(({ id }) => id !== victim && id !== controllerId)?.id as number;
    const partition = partitionLedBy(world, victim);
    const stateOf = () => {
      const image = cluster.node(witness).running?.broker.image;
      const known = image?.topicsByName.get(TOPIC)?.partitions[partition];
      return { leader: known?.leader, leaderEpoch: known?.leaderEpoch, isFenced: image?.brokers.get(victim)?.isFenced };
    };
    const before = stateOf();
    const mend = cluster.store.makeUnavailable((caller) => caller === `broker-${victim}`);
    for (let minute = 0; minute < 10; minute++) {
      await cluster.pass(MINUTE_MS);
      expect(stateOf()).toEqual(before);
      expect(await produce(world, victim, partition, -1)).toBe('0');
    }
    const active = cluster.nodes.filter(({ running }) => running?.broker.controller.isActive);
    expect(active.map(({ id }) => id === victim)).toEqual([false]);
    mend();
    await cluster.pass(10_000);
    expect(stateOf()).toEqual(before);
    expect(await produce(world, victim, partition, -1)).toBe('0');
    for (const { id } of cluster.nodes) cluster.kill(id);
  },
);

test.each(['the controller', 'another broker'])(
  '%s that loses the store and all its peers serves nobody until it finds them again',
  async (who) => {
    const world = await start();
    const { cluster, controllerId } = world;
    const victim =
      who === 'the controller' ? controllerId : (cluster.nodes.find(({ id }) => id !== controllerId)?.id ?? 0);
    const partition = partitionLedBy(world, victim);
    const mend = cluster.store.makeUnavailable((caller) => caller === `broker-${victim}`);
    for (const { id } of cluster.nodes) if (id !== victim) cluster.cutLink(victim, id);
    await cluster.pass(20_000);
    const { running } = cluster.node(victim);
    expect(running?.broker.isIsolated()).toBe(true);
    expect(running?.isReady()).toBe(false);
    expect(running?.broker.controller.isActive).toBe(false);
    expect(await produce(world, victim, partition, 1)).toBe('refused');
    cluster.heal();
    mend();
    const isBack = (): boolean => running?.isReady() === true;
    expect(await cluster.until(isBack, 20_000)).toBe(true);
    for (const { id } of cluster.nodes) cluster.kill(id);
  },
);

test('who has not proven to be a peer does not count as one', async () => {
  const { cluster, controllerId } = await start({ 'ottla.control.secret': 'known to the brokers alone' });
  const victim = cluster.nodes.find(({ id }) => id !== controllerId)?.id as number;
  cluster.store.makeUnavailable((caller) => caller === `broker-${victim}`);
  for (const { id } of cluster.nodes) if (id !== victim) cluster.cutLink(victim, id);
  const outsider = new PeerConnector({
    network: cluster.network.endpoint('outsider'),
    random: cluster.random,
    nodeId: 4,
    secret: new ControlSecret('only guessed by an outsider'),
  });
  for (let second = 0; second < 20; second++) {
    outsider.connect({ host: '127.0.0.1', port: CONTROL_PORT + victim }).catch(() => {});
    await cluster.pass(1000);
  }
  expect(cluster.node(victim).running?.isReady()).toBe(false);
  for (const { id } of cluster.nodes) cluster.kill(id);
});
