/** The store in the Kubernetes API, against a server of ours in this process; `npm run stores` takes a real one. */
import { afterEach, describe, expect, test } from 'vitest';
import { FakeKubernetes } from '../../../test/support/fake-kubernetes.ts';
import { FaultyHttp } from '../../../test/support/faulty-http.ts';
import { describeStore } from '../../../test/support/store-contract.ts';
import { nodeClock } from '../../std/node-clock.ts';
import { nodeHttpClient } from '../../std/node-http-client.ts';
import { SeededRandom } from '../../std/sim/prng.ts';
import { SimClock } from '../../std/sim/sim-clock.ts';
import { skewedClock } from '../../std/sim/skewed-clock.ts';
import { KubernetesApi } from './api.ts';
import { KubernetesStore } from './kubernetes-store.ts';
import { ObjectWatch } from './object-watch.ts';

/** What happens over sockets takes real time, what waits for a clock takes simulated time. */
const SOCKETS_MS = 15;

const pause = (ms: number): Promise<void> => new Promise((resolve) => void nodeClock().after(ms, resolve));
const bytes = (text: string): Buffer => Buffer.from(text);

class World {
  readonly clock = new SimClock();
  readonly random = new SeededRandom(3);
  readonly faults = new FaultyHttp((ms) => new Promise((resolve) => void this.clock.after(ms, resolve)));
  readonly server: FakeKubernetes;

  constructor(server: FakeKubernetes) {
    this.server = server;
  }

  api(skewMs = 0): KubernetesApi {
    const http = this.faults.wrap(nodeHttpClient({ url: this.server.url }));
    return new KubernetesApi({ http, clock: skewedClock(this.clock, skewMs), token: async () => 'secret' });
  }

  store(skewMs = 0): KubernetesStore {
    return new KubernetesStore({
      api: this.api(skewMs),
      clock: skewedClock(this.clock, skewMs),
      random: this.random,
      namespace: 'test',
      lease: 'ottla',
      summarize: (payload) => ({ controllerEpoch: 1, summary: `${payload.length} bytes` }),
    });
  }

  async elapse(ms: number): Promise<void> {
    await pause(SOCKETS_MS);
    await this.clock.advanceAndSettle(ms);
    await pause(SOCKETS_MS);
  }

  async until(isSo: () => boolean): Promise<void> {
    for (let step = 0; step < 200 && !isSo(); step++) {
      await this.clock.advanceAndSettle(50);
      await pause(2);
    }
    expect(isSo()).toBe(true);
  }
}

describeStore({
  name: 'kubernetes (fake server)',
  async create() {
    const server = await FakeKubernetes.start();
    const world = new World(server);
    const { failNextAppend, putNextAppendToSleep, makeUnavailable, slowDown, cutWatches, stallWatches } = world.faults;
    return {
      open: async (skewMs) => world.store(skewMs),
      elapse: (ms) => world.elapse(ms),
      until: (isSo) => world.until(isSo),
      jumpWallClocks(ms) {
        world.clock.skewMs += ms;
      },
      failNextAppend,
      putNextAppendToSleep,
      makeUnavailable,
      slowDown,
      cutWatches,
      stallWatches,
      async remember() {
        const contents = server.copy();
        return async () => server.goBackTo(contents);
      },
      close: () => server.close(),
    };
  },
});

const started: FakeKubernetes[] = [];
async function newWorld(): Promise<World> {
  const server = await FakeKubernetes.start();
  started.push(server);
  return new World(server);
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

describe('ring', () => {
  const slotsOf = ({ server }: World): string[] => server.paths().filter((path) => path.includes('/metadataslots/'));

  async function filled(world: World, count: number): Promise<KubernetesStore> {
    const store = world.store();
    for (let offset = 0; offset < count; offset++) await store.append(offset, bytes(`${offset}`));
    return store;
  }

  test('a full ring takes no batch until a snapshot covers the one that it would replace', async () => {
    const world = await newWorld();
    const store = await filled(world, 256);
    const full = { code: 'store.conflict', context: { snapshotBelow: 1 } };
    await expect(store.append(256, bytes('256'))).rejects.toMatchObject(full);
    await store.writeSnapshot({ controllerEpoch: 1, offset: 2, chunks: [bytes('s')] });
    await store.append(256, bytes('256'));
    await store.append(257, bytes('257'));
    await expect(store.append(258, bytes('258'))).rejects.toMatchObject({ context: { snapshotBelow: 3 } });
    expect(slotsOf(world).length).toBe(256);
    expect(await store.end()).toBe(258);
    await expect(store.read(1, 1)).rejects.toMatchObject({ code: 'store.conflict' });
    expect((await store.read(2, 1000)).map(({ offset }) => offset)).toEqual(
      Array.from({ length: 256 }, (_, at) => at + 2),
    );
  });

  test('a writer that slept through a whole turn of the ring writes nothing', async () => {
    const world = await newWorld();
    const active = await filled(world, 3);
    const sleeper = world.store();
    const sleep = world.faults.putNextAppendToSleep();
    const late = sleeper.append(3, bytes('late'));
    await sleep.isAsleep;
    for (let offset = 3; offset < 3 + 256 + 2; offset++) {
      if (offset === 250) await active.writeSnapshot({ controllerEpoch: 1, offset: 250, chunks: [bytes('s')] });
      await active.append(offset, bytes(`${offset}`));
    }
    sleep.wake();
    await expect(late).rejects.toMatchObject({ code: 'store.conflict' });
    expect((await active.read(259, 9)).map(({ payload }) => payload.toString())).toEqual(['259', '260']);
  });

  test('a slot that somebody deleted is not made again', async () => {
    const world = await newWorld();
    const store = await filled(world, 256);
    await store.writeSnapshot({ controllerEpoch: 1, offset: 200, chunks: [bytes('s')] });
    world.server.deleteObject('/apis/ottla.dev/v1alpha1/namespaces/test/metadataslots/ottla-000');
    await expect(store.append(256, bytes('256'))).rejects.toMatchObject({ code: 'store.conflict' });
  });

  test('an append is two looks and one write', async () => {
    const world = await newWorld();
    const store = await filled(world, 2);
    world.server.requests.length = 0;
    await store.append(2, bytes('2'));
    const methods = world.server.requests.map(({ method }) => method).sort();
    expect(methods).toEqual(['GET', 'GET', 'POST']);
    for (const { headers } of world.server.requests) expect(headers.authorization).toBe('Bearer secret');
  });

  test('a reader that is up to date asks for two slots, and for one more when there is a batch', async () => {
    const world = await newWorld();
    const store = await filled(world, 3);
    const requestsOf = async (offset: number): Promise<number> => {
      world.server.requests.length = 0;
      await store.read(offset, 100);
      return world.server.requests.length;
    };
    expect([await requestsOf(2), await requestsOf(1)]).toEqual([2, 3]);
  });

  test('no look names a version: the server must not answer from what it remembers', async () => {
    const world = await newWorld();
    const store = await filled(world, 2);
    world.server.requests.length = 0;
    await store.end();
    await store.read(0, 9);
    await store.leases.read();
    await store.readSnapshot();
    expect(world.server.requests.length).toBeGreaterThan(4);
    for (const { query } of world.server.requests) expect(query.has('resourceVersion')).toBe(false);
  });

  test('two logs in one namespace do not meet', async () => {
    const world = await newWorld();
    const other = new KubernetesStore({
      api: world.api(),
      clock: world.clock,
      random: world.random,
      namespace: 'test',
      lease: 'other',
      summarize: () => ({ controllerEpoch: 1, summary: '' }),
    });
    const store = await filled(world, 2);
    expect(await other.end()).toBe(0);
    await other.append(0, bytes('x'));
    await other.writeSnapshot({ controllerEpoch: 1, offset: 1, chunks: [bytes('s')] });
    expect([await store.end(), await store.readSnapshot()]).toEqual([2, undefined]);
  });

  test('old parts of snapshots go, the newest and the one before stay', async () => {
    const world = await newWorld();
    const store = world.store();
    for (let offset = 1; offset <= 5; offset++) {
      await store.writeSnapshot({ controllerEpoch: 1, offset, chunks: [bytes('a'), bytes('b')] });
    }
    const parts = world.server.paths().filter((path) => path.includes('/metadatasnapshots/'));
    expect(parts.length).toBe(4);
  });
});

describe('budget', () => {
  test('batches and snapshots count as many bytes as they have in an object', async () => {
    const world = await newWorld();
    const store = world.store();
    expect(store.writeBudget.waitMs('expansion')).toBe(0);
    const large = Buffer.alloc(512 * 1024);
    for (let offset = 0; offset < 35; offset++) await store.append(offset, large);
    expect(store.writeBudget.waitMs('expansion')).toBe(0);
    await store.writeSnapshot({ controllerEpoch: 1, offset: 1, chunks: [large] });
    expect(store.writeBudget.waitMs('expansion')).toBeGreaterThan(0);
    expect(store.writeBudget.waitMs('admin')).toBe(0);
  });
});

describe('server in trouble', () => {
  test('a 429 is waited out as long as the server asks, and tried again', async () => {
    const world = await newWorld();
    const store = world.store();
    world.server.throttled = { times: 2, retryAfterSeconds: 3 };
    let isDone = false;
    const reading = store.leases.read().then(() => {
      isDone = true;
    });
    await world.elapse(2900);
    expect([isDone, world.server.requests.length]).toEqual([false, 1]);
    await world.elapse(200);
    expect(world.server.requests.length).toBe(2);
    await world.elapse(3000);
    await reading;
    expect(world.server.requests.length).toBe(3);
  });

  test('a server that stays too busy is unavailable', async () => {
    const world = await newWorld();
    world.server.throttled = { times: 100, retryAfterSeconds: 1 };
    const failed = world
      .store()
      .end()
      .catch((error: { code: string }) => error.code);
    for (let step = 0; step < 8; step++) await world.elapse(1000);
    expect(await failed).toBe('store.unavailable');
    expect(world.server.requests.length).toBe(4);
  });

  test('the answer of a write that took effect is lost: the log has the batch, once', async () => {
    const world = await newWorld();
    const store = world.store();
    world.faults.failNextAppend('after');
    await expect(store.append(0, bytes('a'))).rejects.toMatchObject({ code: 'store.unavailable' });
    await expect(store.append(0, bytes('a'))).rejects.toMatchObject({ code: 'store.conflict' });
    expect(await store.end()).toBe(1);
  });

  test('where our kinds are not defined nothing looks like an empty log that can be written', async () => {
    const world = await newWorld();
    const store = world.store();
    for (const plural of ['metadataslots', 'leases']) {
      world.server.undefinedPlural = plural;
      const failed = plural === 'leases' ? store.leases.acquire('a', 6000) : store.append(0, bytes('x'));
      await expect(failed).rejects.toMatchObject({
        code: 'store.unavailable',
        message: expect.stringContaining('404'),
      });
    }
    world.server.undefinedPlural = 'metadataslots';
    await expect(store.end()).rejects.toMatchObject({ code: 'store.unavailable' });
  });

  test('what a server refuses is told in its own words', async () => {
    const world = await newWorld();
    await expect(
      world.api().create('/apis/ottla.dev/v1alpha1/namespaces/test/metadataslots', {
        apiVersion: 'x',
        kind: 'x',
        metadata: { name: 'x', resourceVersion: '1' },
      }),
    ).rejects.toMatchObject({ code: 'store.unavailable', message: expect.stringContaining('400') });
  });
});

describe('watch', () => {
  async function watched(world: World, silenceMsMax?: number) {
    const seen: (string | undefined)[] = [];
    const watch = new ObjectWatch({
      api: world.api(),
      clock: world.clock,
      random: world.random,
      path: '/apis/ottla.dev/v1alpha1/namespaces/test/metadataslots',
      query: {},
      part: 'metadata',
      ...(silenceMsMax === undefined ? {} : { silenceMsMax }),
      changed: (object) => seen.push(object?.metadata.name),
    });
    await world.until(() => world.server.watchCount === 1);
    return { watch, seen };
  }
  const opened = (world: World): (string | null)[] =>
    world.server.requests
      .filter(({ query }) => query.get('watch') === '1')
      .map(({ query }) => query.get('resourceVersion'));

  test('it goes on where it was cut, and a bookmark moves that place', async () => {
    const world = await newWorld();
    const store = world.store();
    const { watch, seen } = await watched(world);
    await store.append(0, bytes('0'));
    await world.until(() => seen.includes('ottla-000'));
    world.server.cutWatches();
    await world.until(() => opened(world).length === 2);
    await store.leases.acquire('a', 1000);
    await world.until(() => world.server.watchCount === 1);
    world.server.bookmark();
    await pause(SOCKETS_MS);
    world.server.cutWatches();
    await world.until(() => opened(world).length === 3);
    expect(opened(world)).toEqual([null, '101', '102']);
    watch.stop();
  });

  for (const goneAs of ['status', 'event'] as const) {
    test(`it begins again when its version is gone, told by ${goneAs}`, async () => {
      const world = await newWorld();
      const store = world.store();
      world.server.goneAs = goneAs;
      const { watch, seen } = await watched(world);
      await store.append(0, bytes('0'));
      await world.until(() => seen.includes('ottla-000'));
      await store.leases.acquire('a', 1000);
      world.server.compact();
      world.server.cutWatches();
      await world.until(() => opened(world).length >= 3 && world.server.watchCount === 1);
      expect(opened(world)).toEqual([null, '101', null]);
      seen.length = 0;
      await store.append(1, bytes('1'));
      await world.until(() => seen.includes('ottla-001'));
      watch.stop();
    });
  }

  test('a watch that falls silent is given up and opened anew', async () => {
    const world = await newWorld();
    const { watch } = await watched(world, 60_000);
    world.faults.stallWatches();
    await world.elapse(59_000);
    expect(opened(world).length).toBe(1);
    await world.elapse(2000);
    await world.until(() => opened(world).length === 2);
    watch.stop();
  });

  test('while the server is away it comes back less and less often, and stops when told to', async () => {
    const world = await newWorld();
    const { watch } = await watched(world);
    world.server.throttled = { times: 1_000_000, retryAfterSeconds: 1 };
    world.server.cutWatches();
    for (let second = 0; second < 60; second++) await world.elapse(1000);
    // At once 100 ms apart, in the end 10 s.
    expect(opened(world).length).toBeGreaterThan(8);
    expect(opened(world).length).toBeLessThan(20);
    const before = opened(world).length;
    watch.stop();
    await world.elapse(60_000);
    expect(opened(world).length).toBe(before);
  });
});
