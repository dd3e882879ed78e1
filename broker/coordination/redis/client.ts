/**
 * The Redis client of a real process: ioredis, loaded only where the store is in Redis.
 *
 * Its queues are off. A command that waited for a connection, or was sent again on the next one, would take effect long
 * after its caller was told otherwise; the store's callers ask the log instead and try again themselves.
 */
import { Backoff, type Logger, type Random } from '../../std/mod.ts';
import type { RedisConnection } from './connection.ts';

const COMMAND_TIMEOUT_MS = 5000;
const CONNECT_TIMEOUT_MS = 5000;
const KEEP_ALIVE_MS = 10_000;
const RECONNECT_MS = { firstMs: 50, mostMs: 2000 };

export async function connectRedis(options: {
  readonly url: string;
  readonly random: Random;
  readonly log: Logger;
}): Promise<RedisConnection> {
  const { url, random, log } = options;
  const { Redis } = await import('ioredis');
  const backoff = new Backoff({ ...RECONNECT_MS, random });
  const settings = {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    connectionName: 'ottla',
    retryStrategy: () => backoff.delayMs(),
  };

  const open = (onReady: () => void) => {
    const client = new Redis(url, settings);
    client.on('ready', () => {
      backoff.reset();
      onReady();
    });
    client.on('error', (error: Error) => log.debug({ err: error }, 'the connection to Redis failed'));
    // Where Redis is not there yet, the client goes on trying; commands fail meanwhile.
    const connected = client.connect().catch(() => {});
    return { client, connected };
  };

  let connections = 0;
  const { client, connected } = open(() => {
    connections += 1;
  });
  await connected;
  const subscribers = new Set<typeof client>();

  return {
    get connections() {
      return connections;
    },
    call: (command, ...args) => client.callBuffer(command, [...args]),
    subscribe(channel, heard) {
      const { client: subscriber } = open(() => {
        // What was said before the subscription holds is not heard: it counts as news when it does.
        subscriber.subscribe(channel).then(heard, () => subscriber.disconnect(true));
      });
      subscriber.on('message', () => heard());
      subscribers.add(subscriber);
      return () => {
        subscribers.delete(subscriber);
        subscriber.disconnect();
      };
    },
    close() {
      client.disconnect();
      for (const subscriber of subscribers) subscriber.disconnect();
    },
  };
}
