/** The machine with the controller on it is lost while a leader waits for its answer. */
import { expect, test } from 'vitest';
import { SimClient } from './sim/sim-client.ts';
import { SimCluster } from './sim/sim-cluster.ts';
import * as calls from './support/calls.ts';

const TOPIC = 'orders';

test('a replica that was about to join joins under the next controller, without waiting for the lost one', async () => {
  const cluster = new SimCluster({ seed: 11, brokers: 3 });
  for (const { id } of cluster.nodes) cluster.start(id);
  expect(await cluster.until(() => cluster.nodes.every(({ state }) => state === 'running'), 20_000)).toBe(true);
  const { clock, network, bootstrapPorts: ports } = cluster;
  const client = new SimClient({ name: 'admin', clock, network: network.endpoint('client-admin'), ports });
  const created = client.ask(client.anyPort(), calls.createTopicsCall, 7, {
    timeoutMs: 5000,
    validateOnly: false,
    topics: [{ name: TOPIC, numPartitions: 3, replicationFactor: 3, assignments: [], configs: [] }],
  });
  await cluster.pass(3000);
  expect((await created).topics[0]?.errorCode).toBe(0);

  const controllerId = cluster.nodes.find(({ running }) => running?.broker.controller.isActive)?.id as number;
  const [stays, returns] = cluster.nodes.map(({ id }) => id).filter((id) => id !== controllerId) as [number, number];
  // Slow, so that a proposal is on its way for long enough to be seen.
  cluster.store.fault = (operation, caller) =>
    operation === 'append' && caller === `broker-${controllerId}` ? { kind: 'delay', delayMs: 300 } : undefined;
  cluster.kill(returns);
  await cluster.pass(3000);
  cluster.start(returns);
  const replicas = cluster.node(stays).running?.broker.replicas;
  const isProposing = (): boolean =>
    [...(replicas?.all() ?? [])].some(({ pendingChange }) => pendingChange?.kind === 'expand');
  expect(await cluster.until(isProposing, 30_000)).toBe(true);
  cluster.losePower(controllerId);

  const isComplete = (): boolean =>
    cluster
      .node(stays)
      .running?.broker.image.topicsByName.get(TOPIC)
      ?.partitions.every(
        ({ inSyncReplicas }) => inSyncReplicas.toSorted().join() === [stays, returns].sort().join(),
      ) === true;
  expect(await cluster.until(isComplete, 20_000)).toBe(true);
  for (const { id } of cluster.nodes) cluster.kill(id);
});
