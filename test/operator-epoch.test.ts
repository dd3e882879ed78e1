/** The term of an operator travels with what it asks, also through a broker that only sends it on. */
import { expect, test } from 'vitest';
import { takeOperatorEpoch } from '../broker/controller/mod.ts';
import { KafkaConnection } from '../broker/protocol/connection/mod.ts';
import { SimCluster } from './sim/sim-cluster.ts';
import * as calls from './support/calls.ts';

test('a broker that is not the controller forwards the term of an operator with its request', async () => {
  const cluster = new SimCluster({ seed: 7, brokers: 2 });
  for (const { id } of cluster.nodes) cluster.start(id);
  expect(await cluster.until(() => cluster.nodes.every(({ state }) => state === 'running'), 20_000)).toBe(true);
  const controllers = cluster.nodes.map((node) => node.running?.broker.controller);
  const active = controllers.find((controller) => controller?.isActive === true);
  const otherPort = cluster.bootstrapPorts[controllers.findIndex((controller) => controller !== active)] as number;
  const wait = async <T>(promise: Promise<T>): Promise<T> => {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    void promise.then(settle, settle);
    await cluster.until(() => isSettled, 20_000);
    return promise;
  };
  const operate = async (holder: string): Promise<KafkaConnection> => {
    const taken = active?.submit((image) => takeOperatorEpoch(image, holder)) as Promise<{ operatorEpoch: number }>;
    const { operatorEpoch } = await wait(taken);
    const runtime = { network: cluster.network.endpoint('client-operator') };
    return wait(KafkaConnection.open({ runtime, host: '127.0.0.1', port: otherPort, clientId: holder, operatorEpoch }));
  };
  const first = await operate('a');
  await wait(calls.createTopic(first, 'of-a', 1));
  const second = await operate('b');
  await expect(wait(calls.createTopic(first, 'late', 1))).rejects.toThrow('STALE_CONTROLLER_EPOCH');
  await wait(calls.createTopic(second, 'of-b', 1));
  for (const { id } of cluster.nodes) cluster.kill(id);
});
