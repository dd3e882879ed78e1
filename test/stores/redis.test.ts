/** The contract of the coordination store on a real Redis, which is killed, restarted and set up wrongly on the way. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectRedis } from '../../broker/coordination/redis/client.ts';
import type { RedisConnection } from '../../broker/coordination/redis/connection.ts';
import { RedisStore } from '../../broker/coordination/redis/redis-store.ts';
import { silentLogger } from '../../broker/std/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import { skewedClock } from '../../broker/std/sim/skewed-clock.ts';
import { pause, until } from '../support/real-world.ts';
import { type AppendFault, describeStore } from '../support/store-contract.ts';
import { checkCluster } from './cluster.ts';
import { measureStore } from './measure.ts';
import { RedisServer, SAFE_SETTINGS } from './redis-server.ts';

const { clock, random } = nodeRuntime(silentLogger);
const PREFIX = 'test';
const log = silentLogger;

let server: RedisServer;
let admin: RedisConnection;
beforeAll(async () => {
  server = await RedisServer.start();
  admin = await connectRedis({ url: server.url, random, log });
});
afterAll(async () => {
  admin.close();
  await server.close();
});

const isAppend = (args: readonly unknown[]): boolean => String(args[0]).startsWith('-- append');

/** Commands that go wrong on demand, between the store and Redis. */
class FaultyRedis {
  nextAppend: AppendFault | undefined;
  sleeper: { readonly isAsleep: () => void; readonly awake: Promise<void> } | undefined;
  isAway = false;
  delayMs = 0;

  wrap(redis: RedisConnection): RedisConnection {
    return {
      get connections() {
        return redis.connections;
      },
      call: async (command, ...args) => {
        const fault = isAppend(args) ? this.nextAppend : undefined;
        if (fault !== undefined) this.nextAppend = undefined;
        if (this.isAway || fault === 'before') throw new Error('the connection was cut');
        if (isAppend(args) && this.sleeper !== undefined) {
          const { isAsleep, awake } = this.sleeper;
          this.sleeper = undefined;
          isAsleep();
          await awake;
        }
        const answer = await redis.call(command, ...args);
        if (this.delayMs > 0) await pause(this.delayMs);
        if (fault === 'after') throw new Error('the connection was cut');
        return answer;
      },
      subscribe: (channel, heard) => redis.subscribe(channel, heard),
      close: () => redis.close(),
    };
  }
}

async function openStore(faults = new FaultyRedis(), skewMs = 0): Promise<RedisStore> {
  const redis = faults.wrap(await connectRedis({ url: server.url, random, log }));
  return new RedisStore({ redis, clock: skewedClock(clock, skewMs), prefix: PREFIX });
}

describeStore({
  name: 'redis',
  cannot: ['jumpWallClocks', 'stallWatches'],
  async create() {
    await admin.call('FLUSHALL');
    const faults = new FaultyRedis();
    return {
      open: (skewMs) => openStore(faults, skewMs),
      elapse: pause,
      until,
      failNextAppend(fault) {
        faults.nextAppend = fault;
      },
      putNextAppendToSleep() {
        const asleep = Promise.withResolvers<void>();
        const awake = Promise.withResolvers<void>();
        faults.sleeper = { isAsleep: asleep.resolve, awake: awake.promise };
        return { isAsleep: asleep.promise, wake: awake.resolve };
      },
      makeUnavailable() {
        faults.isAway = true;
        return () => {
          faults.isAway = false;
        };
      },
      slowDown(ms) {
        faults.delayMs = ms;
      },
      cutWatches: () => void admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
      async remember() {
        const keys = (await admin.call('KEYS', '*')) as Buffer[];
        const dumps = await Promise.all(keys.map((key) => admin.call('DUMP', key) as Promise<Buffer>));
        return async () => {
          await admin.call('FLUSHALL');
          for (const [at, key] of keys.entries()) await admin.call('RESTORE', key, 0, dumps[at] as Buffer);
        };
      },
    };
  },
});

describe('redis', () => {
  const others: RedisServer[] = [];
  afterEach(async () => {
    await Promise.all(others.splice(0).map((other) => other.close()));
  });

  test('what was answered survives a kill of Redis, and the store finds it again', async () => {
    await admin.call('FLUSHALL');
    const store = await openStore();
    let heard = 0;
    const stop = store.watch(() => heard++);
    let answered = 0;
    for (let round = 0; round < 3; round++) {
      let isKilled = false;
      const killing = pause(50).then(() => {
        isKilled = true;
        return server.kill();
      });
      while (!isKilled) {
        const offset = await store.end().catch(() => undefined);
        if (offset === undefined) continue;
        await store.append(offset, Buffer.from(`${offset}`)).then(
          () => {
            answered = offset + 1;
          },
          (error) => expect(error.code).toMatch(/^store\.(unavailable|conflict)$/),
        );
      }
      await killing;
      await expect(store.end()).rejects.toMatchObject({ code: 'store.unavailable', retriable: true });
      await server.start();
      const before = heard;
      let end: number | undefined;
      for (let tries = 0; tries < 100 && end === undefined; tries++) {
        end = await store.end().catch(() => undefined);
        await pause(50);
      }
      expect(end).toBeGreaterThanOrEqual(answered);
      expect((await store.read(answered - 1, 1))[0]?.payload.toString()).toBe(`${answered - 1}`);
      await until(() => heard > before);
    }
    expect(answered).toBeGreaterThan(20);
    stop();
    await store.close();
  });

  test.each([
    ['appendonly', 'no'],
    ['appendfsync', 'everysec'],
    ['maxmemory-policy', 'allkeys-lru'],
    ['cluster-enabled', 'yes'],
  ])('a Redis with %s %s is refused', async (name, value) => {
    const other = await RedisServer.start({ ...SAFE_SETTINGS, [name]: value });
    others.push(other);
    const redis = await connectRedis({ url: other.url, random, log });
    const store = new RedisStore({ redis, clock, prefix: PREFIX });
    for (const failed of [store.append(0, Buffer.from('x')), store.end(), store.leases.acquire('a', 1000)]) {
      await expect(failed).rejects.toMatchObject({ code: 'config.invalid', message: expect.stringContaining(name) });
    }
    await store.close();
  });

  test('a Redis that comes back with other settings is refused from then on', async () => {
    const other = await RedisServer.start();
    others.push(other);
    const redis = await connectRedis({ url: other.url, random, log });
    const store = new RedisStore({ redis, clock, prefix: PREFIX });
    await store.append(0, Buffer.from('x'));
    await other.kill();
    await other.start({ ...SAFE_SETTINGS, appendfsync: 'no' });
    await until(() => redis.connections === 2);
    await expect(store.append(1, Buffer.from('y'))).rejects.toMatchObject({ code: 'config.invalid' });
    await store.close();
  });

  test('a store that opens before its Redis waits for it', async () => {
    const other = await RedisServer.start();
    others.push(other);
    await other.kill();
    const redis = await connectRedis({ url: other.url, random, log });
    const store = new RedisStore({ redis, clock, prefix: PREFIX });
    await expect(store.end()).rejects.toMatchObject({ code: 'store.unavailable' });
    await other.start();
    await until(() => redis.connections === 1);
    expect(await store.end()).toBe(0);
    await store.close();
  });

  test('three brokers agree through it', async () => {
    await admin.call('FLUSHALL');
    await checkCluster('redis', { 'ottla.coordination': 'redis', 'ottla.coordination.url': server.url });
  });

  test('how fast it is', async () => {
    await admin.call('FLUSHALL');
    const store = await openStore();
    await measureStore('redis', store);
    await store.close();
  });
});
