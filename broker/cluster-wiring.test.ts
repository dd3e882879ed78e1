import { expect, test } from 'vitest';
import { clusterOf } from './cluster-wiring.ts';

// The controller raises min.insync.replicas and then takes a lagging follower out of the in-sync set: that follower is
// eligible, for under the new minimum nothing is committed without it. A leader that heard of the smaller set first
// would commit alone under the old minimum.
test('an in-sync change is answered once the metadata that it stands on has been applied here', async () => {
  const order: string[] = [];
  const response = { throttleTimeMs: 0, errorCode: 0, topics: [] };
  const cluster = clusterOf({
    channel: {
      request: async () => {
        order.push('decided');
        return response;
      },
    },
    loader: {
      catchUp: async () => {
        await Promise.resolve();
        order.push('applied');
      },
    },
  } as unknown as Parameters<typeof clusterOf>[0]);
  expect(await cluster.alterPartition({ brokerId: 1, brokerEpoch: 1, topics: [] })).toBe(response);
  expect(order).toEqual(['decided', 'applied']);
});
