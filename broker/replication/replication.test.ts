/** Brokers that replicate to each other, on a simulated clock, network and disks. */
import { afterEach, expect, test } from 'vitest';
import { SimReplicas, type SimReplicasOptions } from '../../test/support/sim-replicas.ts';
import { ErrorCode } from '../protocol/mod.ts';

let cluster: SimReplicas;

async function start(options: SimReplicasOptions = {}): Promise<void> {
  cluster = await SimReplicas.start({ minInSyncReplicas: 2, ...options });
  const replicas = cluster.nodes.map(({ id }) => id);
  cluster.controller.createTopic('t', { replicas });
  await cluster.converge('t');
}

afterEach(() => cluster.close());

test('what the leader appends is on every replica, byte for byte, and committed', async () => {
  await start();
  const [one, two, three] = [cluster.node(1), cluster.node(2), cluster.node(3)];
  const produced = await cluster.until(Promise.all(['a', 'b', 'c'].map((value) => one.produce('t', 0, value))));
  expect(produced.map(({ errorCode, offset }) => [errorCode, offset])).toEqual([
    [ErrorCode.NONE, 0],
    [ErrorCode.NONE, 1],
    [ErrorCode.NONE, 2],
  ]);
  await cluster.converge('t');
  const bytes = await cluster.bytes(one, 't');
  expect(bytes.length).toBeGreaterThan(0);
  expect(await cluster.bytes(two, 't')).toEqual(bytes);
  expect(await cluster.bytes(three, 't')).toEqual(bytes);
});
