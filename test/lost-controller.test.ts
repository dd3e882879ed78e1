/** The machine with the controller on it is lost while a leader waits for its answer. */
import { expect, test } from 'vitest';
import { SimAdmin } from './support/sim-admin.ts';

const TOPIC = 'orders';

test('a replica that was about to join joins under the next controller, without waiting for the lost one', async () => {
  const admin = await SimAdmin.start(11);
  await admin.createTopic(TOPIC, 3);
  const cluster = admin.world;

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
