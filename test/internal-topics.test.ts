/** How many replicas the topics have that brokers make for themselves, while their cluster comes up. */
import { expect, test } from 'vitest';
import { SimClient } from './sim/sim-client.ts';
import { SimCluster } from './sim/sim-cluster.ts';
import { findCoordinatorCall } from './support/calls.ts';

const TOPIC = '__consumer_offsets';

/** Asks the first broker for a coordinator four times a second, as consumers do; whether there is one in the end. */
async function lookFor(cluster: SimCluster, ms: number): Promise<boolean> {
  const { clock, network, bootstrapPorts: ports } = cluster;
  const client = new SimClient({ name: 'consumer', clock, network: network.endpoint('client-consumer'), ports });
  let isFound = false;
  const until = clock.monotonicMs() + ms;
  while (!isFound && clock.monotonicMs() < until) {
    void client.ask(ports[0] as number, findCoordinatorCall, 4, { keyType: 0, coordinatorKeys: ['group'] }).then(
      ({ coordinators }) => {
        isFound = coordinators[0]?.errorCode === 0;
      },
      () => {},
    );
    await cluster.pass(250);
  }
  return isFound;
}

function replicasOf(cluster: SimCluster): number | undefined {
  return cluster.node(1).running?.broker.image.topicsByName.get(TOPIC)?.partitions[0]?.replicas.length;
}

const isRunning = (cluster: SimCluster, id: number) => (): boolean => cluster.node(id).state === 'running';

test('a consumer that comes before the second and third broker does not leave the offsets on one', async () => {
  const cluster = new SimCluster({ seed: 5, brokers: 3 });
  cluster.start(1);
  await cluster.until(isRunning(cluster, 1), 20_000);
  expect(await lookFor(cluster, 2000)).toBe(false);
  expect(replicasOf(cluster)).toBeUndefined();
  cluster.start(2);
  cluster.start(3);
  expect(await lookFor(cluster, 10_000)).toBe(true);
  expect(replicasOf(cluster)).toBe(3);
  for (const { id } of cluster.nodes) cluster.kill(id);
});

test('one broker that stays alone on a shared store serves groups after a while', async () => {
  const cluster = new SimCluster({ seed: 6, brokers: 1 });
  cluster.start(1);
  expect(await lookFor(cluster, 20_000)).toBe(true);
  expect(replicasOf(cluster)).toBe(1);
  cluster.kill(1);
});
