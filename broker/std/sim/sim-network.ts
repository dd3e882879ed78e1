/**
 * A network in memory: connections between ports, with delays drawn from the seed, cuts, pauses and closed peers.
 *
 * Bytes arrive in order or not at all, as over TCP: a cut link holds what is sent until it heals, a paused process
 * takes nothing until it goes on, a killed one resets its connections.
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
  /** `from|to`: what is sent that way is held. */
  private readonly cut = new Set<string>();
  private held: { readonly from: string; readonly to: string; readonly run: () => void }[] = [];
  private readonly paused = new Map<string, (() => void)[]>();
  private readonly vanished = new Map<number, string>();
  private orphans: { readonly owner: string; readonly connection: SimConnection }[] = [];
  private nextPort = FIRST_FREE_PORT;
  /** Added to every delay between the two: a slow or jittery link. */
  extraDelayMs: (from: string, to: string) => number = () => 0;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  isListening(port: number): boolean {
    return this.listeners.has(port);
  }

  /** The network as one process sees it; `owner` names the process for cuts, pauses and kills. */
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
      connect: (address, timeoutMs) => this.connect(owner, address.port, timeoutMs),
    };
  }

  private connect(owner: string, port: number, timeoutMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const target = this.listeners.get(port)?.owner;
      const delayMs = this.delayMs(owner, target ?? '');
      // A cut link answers nothing: only the timeout tells.
      const isSilent = target !== undefined && (this.isCut(owner, target) || this.isCut(target, owner));
      if (isSilent || this.vanished.has(port)) {
        this.clock.after(timeoutMs, () =>
          reject(new BrokerError('net.timeout', `no answer from port ${port}`, { retriable: true })),
        );
        return;
      }
      this.clock.after(delayMs, () => {
        const listener = this.listeners.get(port);
        if (listener === undefined) {
          reject(new BrokerError('net.refused', `nobody listens on port ${port}`, { retriable: true }));
          return;
        }
        const clientPort = this.nextPort++;
        const client = new SimConnection(this, owner, { local: clientPort, remote: port });
        const server = new SimConnection(this, listener.owner, { local: port, remote: clientPort });
        client.peer = server;
        server.peer = client;
        this.connections.add(client).add(server);
        // The kernel completes the handshake whether or not the process runs; it sees the connection when it does.
        this.whenRunning(listener.owner, () => {
          if (!server.isClosed) listener.accept(server);
        });
        this.whenRunning(owner, () => resolve(client));
      });
    });
  }

  /** Runs `effect` at the other end after a delay, never before what was sent earlier the same way. */
  deliver(from: SimConnection, effect: () => void): void {
    const to = from.peer;
    assert(to !== undefined, 'a connection has two ends');
    const run = (): void => {
      if (this.isCut(from.owner, to.owner)) this.held.push({ from: from.owner, to: to.owner, run });
      else this.whenRunning(to.owner, effect);
    };
    const nowMs = this.clock.monotonicMs();
    from.arrivesMs = Math.max(from.arrivesMs, nowMs + this.delayMs(from.owner, to.owner));
    this.clock.after(from.arrivesMs - nowMs, run);
  }

  private delayMs(from: string, to: string): number {
    return (this.random.uint32() / 2 ** 32) * DELAY_MS_MAX + this.extraDelayMs(from, to);
  }

  private isCut(from: string, to: string): boolean {
    return this.cut.has(`${from}|${to}`);
  }

  private whenRunning(owner: string, effect: () => void): void {
    const waiting = this.paused.get(owner);
    if (waiting === undefined) effect();
    else waiting.push(effect);
  }

  /** Nothing passes from one process to the other until `heal`. */
  cutOneWay(from: string, to: string): void {
    this.cut.add(`${from}|${to}`);
  }

  /** Nothing passes between two processes until `heal`. */
  cutLink(a: string, b: string): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /**
   * Connections between the two end as when something between them forgets about them: both are told, and what was on
   * its way is lost.
   */
  breakConnections(a: string, b: string): void {
    for (const connection of [...this.connections]) {
      const { owner, peer } = connection;
      if (owner !== a || peer?.owner !== b) continue;
      for (const end of [connection, peer]) {
        this.whenRunning(end.owner, () => end.close(new Error('connection reset')));
      }
    }
  }

  heal(): void {
    this.cut.clear();
    const held = this.held.splice(0);
    for (const { run } of held) run();
  }

  /** The process takes nothing in until `resume`; what comes for it waits. */
  pause(owner: string): void {
    if (!this.paused.has(owner)) this.paused.set(owner, []);
  }

  resume(owner: string): void {
    const waiting = this.paused.get(owner) ?? [];
    this.paused.delete(owner);
    for (const effect of waiting) effect();
  }

  /** The process is gone: its ports close, its peers see a reset, and nothing of it runs any more. */
  kill(owner: string): void {
    this.paused.delete(owner);
    for (const [port, listener] of this.listeners) if (listener.owner === owner) this.listeners.delete(port);
    for (const connection of [...this.connections]) {
      if (connection.owner !== owner) continue;
      connection.onData = () => {};
      connection.onClose = () => {};
      connection.destroy();
    }
  }

  /** The machine is gone: nobody is told, and nothing answers, until `reappear`. */
  vanish(owner: string): void {
    this.paused.delete(owner);
    for (const [port, listener] of this.listeners) {
      if (listener.owner !== owner) continue;
      this.listeners.delete(port);
      this.vanished.set(port, owner);
    }
    for (const connection of [...this.connections]) {
      if (connection.owner !== owner) continue;
      connection.onData = () => {};
      connection.onClose = () => {};
      connection.close(undefined);
      if (connection.peer !== undefined) this.orphans.push({ owner, connection: connection.peer });
    }
  }

  /** The machine is back, and knows nothing of the connections it had. */
  reappear(owner: string): void {
    for (const [port, gone] of this.vanished) if (gone === owner) this.vanished.delete(port);
    const reset = this.orphans.filter((orphan) => orphan.owner === owner);
    this.orphans = this.orphans.filter((orphan) => orphan.owner !== owner);
    for (const { connection } of reset) connection.close(new Error('connection reset'));
  }

  forget(connection: SimConnection): void {
    this.connections.delete(connection);
  }
}
