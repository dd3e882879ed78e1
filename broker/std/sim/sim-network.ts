/**
 * A network in memory: connections between ports, with delays drawn from the seed, cuts, and closed peers.
 *
 * Bytes arrive in order or not at all, as over TCP; a cut link holds what is sent until it heals, a reset closes both
 * ends.
 */
import { assert } from '../assert.ts';
import { BrokerError } from '../broker-error.ts';
import type { Clock, Connection, Listening, Network, Random } from '../runtime.ts';

/** Delay of one message, drawn evenly from [0, max). */
const DELAY_MS_MAX = 2;
const FIRST_FREE_PORT = 40_000;

class SimConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly owner: string;
  onData: (chunk: Buffer) => void = () => {};
  onClose: (error: Error | undefined) => void = () => {};
  onDrain: () => void = () => {};
  peer: SimConnection | undefined;
  private readonly network: SimNetwork;
  private readonly inbox: Buffer[] = [];
  private isPaused = false;
  private isEnding = false;
  isClosed = false;
  /** When the last message of this direction arrives: a later one may not overtake it. */
  arrivesMs = 0;

  constructor(network: SimNetwork, owner: string, ports: { local: number; remote: number }) {
    this.network = network;
    this.owner = owner;
    this.remoteAddress = '127.0.0.1';
    this.remotePort = ports.remote;
    this.localPort = ports.local;
  }

  get writableBytes(): number {
    return 0;
  }

  write(chunks: readonly Buffer[], sent?: () => void): void {
    if (!this.isClosed && this.peer !== undefined) {
      const bytes = Buffer.concat(chunks as Buffer[]);
      const { peer } = this;
      this.network.deliver(this, () => peer.receive(bytes));
    }
    sent?.();
  }

  private receive(bytes: Buffer): void {
    if (this.isClosed) return;
    this.inbox.push(bytes);
    this.drainInbox();
  }

  private drainInbox(): void {
    while (!this.isPaused && !this.isClosed) {
      const bytes = this.inbox.shift();
      if (bytes === undefined) break;
      this.onData(bytes);
    }
    if (this.isEnding && this.inbox.length === 0) this.close(undefined);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.drainInbox();
  }

  end(): void {
    const { peer } = this;
    if (peer !== undefined) {
      this.network.deliver(this, () => {
        peer.isEnding = true;
        peer.drainInbox();
      });
    }
    this.close(undefined);
  }

  destroy(): void {
    const { peer } = this;
    if (peer !== undefined) this.network.deliver(this, () => peer.close(new Error('connection reset')));
    this.close(undefined);
  }

  close(error: Error | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.network.forget(this);
    this.onClose(error);
  }
}

interface Listener {
  readonly owner: string;
  readonly accept: (connection: Connection) => void;
}

export class SimNetwork {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly listeners = new Map<number, Listener>();
  private readonly connections = new Set<SimConnection>();
  private readonly cut = new Set<string>();
  private readonly held: (() => void)[] = [];
  private nextPort = FIRST_FREE_PORT;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  /** The network as one process sees it; `owner` names the process for cuts and kills. */
  endpoint(owner: string): Network {
    return {
      listen: async (address, accept): Promise<Listening> => {
        const port = address.port === 0 ? this.nextPort++ : address.port;
        if (this.listeners.has(port)) {
          // The second loopback address of `localhost` shares its port with the first, as on a real machine.
          if (this.listeners.get(port)?.owner === owner) return { host: address.host, port, close: async () => {} };
          throw new BrokerError('net.refused', `port ${port} is in use`);
        }
        this.listeners.set(port, { owner, accept });
        return { host: address.host, port, close: async () => void this.listeners.delete(port) };
      },
      connect: (address) => this.connect(owner, address.port),
    };
  }

  private connect(owner: string, port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      this.clock.after(this.delayMs(), () => {
        const listener = this.listeners.get(port);
        if (listener === undefined || this.isCut(owner, listener.owner)) {
          reject(new BrokerError('net.refused', `nobody listens on port ${port}`, { retriable: true }));
          return;
        }
        const clientPort = this.nextPort++;
        const client = new SimConnection(this, owner, { local: clientPort, remote: port });
        const server = new SimConnection(this, listener.owner, { local: port, remote: clientPort });
        client.peer = server;
        server.peer = client;
        this.connections.add(client).add(server);
        listener.accept(server);
        resolve(client);
      });
    });
  }

  /** Runs `effect` at the other end after a delay, never before what was sent earlier the same way. */
  deliver(from: SimConnection, effect: () => void): void {
    const to = from.peer;
    assert(to !== undefined, 'a connection has two ends');
    const run = (): void => {
      if (this.isCut(from.owner, to.owner)) this.held.push(run);
      else effect();
    };
    const nowMs = this.clock.monotonicMs();
    from.arrivesMs = Math.max(from.arrivesMs, nowMs + this.delayMs());
    this.clock.after(from.arrivesMs - nowMs, run);
  }

  private delayMs(): number {
    return (this.random.uint32() / 2 ** 32) * DELAY_MS_MAX;
  }

  private isCut(a: string, b: string): boolean {
    return this.cut.has(`${a}|${b}`) || this.cut.has(`${b}|${a}`);
  }

  /** Nothing passes between two processes until `heal`. */
  cutLink(a: string, b: string): void {
    this.cut.add(`${a}|${b}`);
  }

  heal(): void {
    this.cut.clear();
    for (const run of this.held.splice(0)) run();
  }

  /** The process is gone: its ports close, its peers see a reset, and nothing of it runs any more. */
  kill(owner: string): void {
    for (const [port, listener] of this.listeners) if (listener.owner === owner) this.listeners.delete(port);
    for (const connection of [...this.connections]) {
      if (connection.owner !== owner) continue;
      connection.onData = () => {};
      connection.onClose = () => {};
      connection.destroy();
    }
  }

  forget(connection: SimConnection): void {
    this.connections.delete(connection);
  }
}
