/** Listeners and connections on a simulated network, with a router that answers when the test says so. */
import { describe, expect, test } from 'vitest';
import { writeRequestHeader } from '../protocol/generated/request-header.ts';
import { apiByKey, Writer } from '../protocol/mod.ts';
import { type Connection, type Executor, type Runtime, silentLogger } from '../std/mod.ts';
import { MemoryDisk } from '../std/sim/memory-disk.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import { SimNetwork } from '../std/sim/sim-network.ts';
import type { Answer } from './request.ts';
import { Server, type ServerLimits } from './server.ts';

const CLIENT_PORT = 9092;
const CONTROL_PORT = 9093;
const METADATA = 3;

/** One client: what it was answered, and whether the broker ended its connection. */
class Peer {
  readonly connection: Connection;
  received = 0;
  isClosed = false;
  private unsent = Buffer.alloc(0);

  constructor(connection: Connection) {
    this.connection = connection;
    connection.onData = (chunk) => {
      this.received += chunk.length;
    };
    connection.onClose = () => {
      this.isClosed = true;
    };
  }

  /** Sends a request whose body is so many bytes, or only the beginning of it. */
  send(bodyBytes: number, sentBytes = Number.POSITIVE_INFINITY): void {
    const writer = new Writer();
    writer.writeInt32(0);
    const api = apiByKey(METADATA);
    const header = {
      requestApiKey: METADATA,
      requestApiVersion: api?.maxVersion ?? 0,
      correlationId: 1,
      clientId: 'c',
    };
    writeRequestHeader(writer, { ...header, operatorEpoch: -1 }, 2);
    writer.writeRaw(Buffer.alloc(bodyBytes));
    const frame = Buffer.concat(writer.finishFrame());
    this.connection.write([frame.subarray(0, sentBytes)]);
    this.unsent = frame.subarray(sentBytes);
  }

  /** Sends what is missing of the last request. */
  finish(): void {
    this.connection.write([this.unsent]);
  }
}

class World {
  readonly clock = new SimClock();
  readonly network = new SimNetwork(this.clock, new SeededRandom(1));
  /** Requests that wait for their answer, in the order of their arrival. */
  readonly parked: { readonly isControl: boolean; readonly answer: Answer }[] = [];
  readonly server: Server;

  constructor(limits: Partial<ServerLimits> = {}, requestBytesMax?: number) {
    const runtime: Runtime = {
      clock: this.clock,
      random: new SeededRandom(2),
      disk: new MemoryDisk(),
      network: this.network.endpoint('broker'),
      executor: {} as Executor,
      log: silentLogger,
    };
    this.server = new Server({
      runtime,
      router: {
        route: ({ connection }, _, answer) => {
          this.parked.push({ isControl: connection.isControlListener, answer });
        },
        disconnected() {},
      },
      limits: () => ({
        frameBytesMax: 1 << 20,
        idleMsMax: 600_000,
        connectionsMax: 1000,
        connectionsPerAddressMax: 1000,
        ...limits,
      }),
      ...(requestBytesMax === undefined ? {} : { requestBytesMax }),
    });
  }

  async listen(): Promise<void> {
    await this.server.listen({ name: 'PLAINTEXT', host: '127.0.0.1', port: CLIENT_PORT, isControl: false });
    await this.server.listen({ name: 'CONTROL', host: '127.0.0.1', port: CONTROL_PORT, isControl: true });
  }

  async connect(port = CLIENT_PORT): Promise<Peer> {
    const connecting = this.network.endpoint('client').connect({ host: '127.0.0.1', port }, 1000);
    connecting.catch(() => {});
    await this.pass(10);
    return new Peer(await connecting);
  }

  answer(count = Number.POSITIVE_INFINITY): void {
    for (const { answer } of this.parked.splice(0, count)) answer.send((writer) => writer.writeInt32(0));
  }

  async pass(ms: number): Promise<void> {
    for (let step = 0; step < ms; step++) {
      this.clock.advance(1);
      await this.clock.settle();
    }
  }
}

test('clients that leave have their answers, and peers stay', async () => {
  const world = new World();
  await world.listen();
  const waiting = await world.connect();
  const idle = await world.connect();
  const peer = await world.connect(CONTROL_PORT);
  waiting.send(10);
  await world.pass(10);
  let isDrained = false;
  const drained = world.server.drainClients().then(() => {
    isDrained = true;
  });
  // What is sent from now on is not taken up any more.
  waiting.send(10);
  await world.pass(10);
  expect([idle.isClosed, waiting.isClosed, isDrained, world.parked.length]).toEqual([true, false, false, 1]);
  await expect(world.connect()).rejects.toMatchObject({ code: 'net.refused' });

  peer.send(10);
  await world.pass(10);
  expect(world.parked.map(({ isControl }) => isControl)).toEqual([false, true]);
  world.answer();
  await world.pass(10);
  await drained;
  expect(waiting.received).toBeGreaterThan(0);
  expect([waiting.isClosed, peer.isClosed]).toEqual([true, false]);
  expect(peer.received).toBeGreaterThan(0);

  await world.server.close();
  await world.pass(10);
  expect(peer.isClosed).toBe(true);
});

describe('requests of all connections together', () => {
  const BYTES_MAX = 1 << 20;
  const BODY_BYTES = 100_000;
  const CONNECTIONS = 40;
  const REQUESTS = 5;

  async function crowd(world: World): Promise<Peer[]> {
    await world.listen();
    const clients: Peer[] = [];
    for (let client = 0; client < CONNECTIONS; client++) clients.push(await world.connect());
    return clients;
  }

  test('are bounded while nobody is answered, and all of them are in the end', async () => {
    const world = new World({}, BYTES_MAX);
    const clients = await crowd(world);
    for (let request = 0; request < REQUESTS; request++) {
      for (const client of clients) client.send(BODY_BYTES);
      await world.pass(20);
    }
    // As many as there is room for, and one more of each that had to be read to find out.
    expect(world.parked.length).toBeLessThanOrEqual(BYTES_MAX / BODY_BYTES + 1 + CONNECTIONS);
    expect(world.parked.length).toBeGreaterThan(BYTES_MAX / BODY_BYTES);

    // Peers are not behind them, however much they ask.
    const peer = await world.connect(CONTROL_PORT);
    for (let request = 0; request < REQUESTS; request++) {
      peer.send(BODY_BYTES);
      await world.pass(10);
    }
    expect(world.parked.filter(({ isControl }) => isControl).length).toBe(REQUESTS);

    let answered = 0;
    for (let round = 0; round < 200 && answered < (CONNECTIONS + 1) * REQUESTS; round++) {
      answered += world.parked.length;
      world.answer();
      await world.pass(10);
    }
    expect(answered).toBe((CONNECTIONS + 1) * REQUESTS);
    const [first] = clients;
    expect(clients.map(({ received }) => received)).toEqual(clients.map(() => first?.received));
  });

  test('come to their end although beginnings took all the room', async () => {
    const world = new World({}, BYTES_MAX);
    const clients = await crowd(world);
    for (const client of clients) client.send(BODY_BYTES, BODY_BYTES / 2);
    await world.pass(10);
    expect(world.parked.length).toBe(0);
    for (const client of clients) client.finish();
    for (let round = 0; round < 100; round++) {
      await world.pass(10);
      world.answer();
    }
    expect(clients.map(({ received }) => received > 0)).toEqual(clients.map(() => true));
  });

  test('do not wait for ever behind those who began and fell silent', async () => {
    const world = new World({}, BYTES_MAX);
    const clients = await crowd(world);
    for (const client of clients) client.send(BODY_BYTES, BODY_BYTES / 2);
    await world.pass(10);
    const late = await world.connect();
    late.send(10);
    late.send(10);
    await world.pass(40_000);
    world.answer();
    await world.pass(100);
    world.answer();
    await world.pass(100);
    expect(late.isClosed).toBe(false);
    expect(late.received).toBeGreaterThan(20);
    expect(clients.some(({ isClosed }) => isClosed)).toBe(true);
    // No more of them than were in the way.
    expect(clients.every(({ isClosed }) => isClosed)).toBe(false);
  });
});
