/** Listeners and connections on a simulated network, with a router that answers when the test says so. */
import { expect, test } from 'vitest';
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
    this.connection.write([Buffer.concat(writer.finishFrame()).subarray(0, sentBytes)]);
  }
}

class World {
  readonly clock = new SimClock();
  readonly network = new SimNetwork(this.clock, new SeededRandom(1));
  /** Requests that wait for their answer, in the order of their arrival. */
  readonly parked: { readonly isControl: boolean; readonly answer: Answer }[] = [];
  readonly server: Server;

  constructor(limits: Partial<ServerLimits> = {}) {
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
