/**
 * The listeners of one broker: accepts connections within the limits, and closes those that are idle for too long.
 */
import type { Connection, Listening, Runtime, Timer } from '../std/mod.ts';
import { BufferPool } from './buffer-pool.ts';
import type { Router } from './request.ts';
import { REQUEST_BYTES_MAX, RequestBudget } from './request-budget.ts';
import { ServerConnection, type ServerConnectionObserver } from './server-connection.ts';

const IDLE_CHECK_MS_MAX = 30_000;

export interface ListenerConfig {
  /** Kafka's listener name, such as PLAINTEXT. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly isControl: boolean;
}

export interface ServerLimits {
  readonly frameBytesMax: number;
  readonly idleMsMax: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

export class Server {
  private readonly runtime: Runtime;
  private readonly router: Router;
  private readonly limits: () => ServerLimits;
  private readonly observer: ServerConnectionObserver | undefined;
  private readonly pool = new BufferPool();
  /** Peers have a budget of their own: what clients wait for must not wait behind clients. */
  private readonly budgets: { readonly clients: RequestBudget; readonly peers: RequestBudget };
  private readonly connections = new Set<ServerConnection>();
  private readonly perAddress = new Map<string, number>();
  private readonly listening: { readonly isControl: boolean; readonly listening: Listening }[] = [];
  private clientCount = 0;
  /** Called when the last connection of a client is gone. */
  private clientsGone = (): void => {};
  private nextConnection = 0;
  private idleTimer: Timer | undefined;

  /** `limits` is read anew for each connection, for they are dynamic. */
  constructor(options: {
    readonly runtime: Runtime;
    readonly router: Router;
    readonly limits: () => ServerLimits;
    readonly observer?: ServerConnectionObserver;
    /** What the requests of all clients may take, and those of all peers. */
    readonly requestBytesMax?: number;
  }) {
    this.runtime = options.runtime;
    this.router = options.router;
    this.limits = options.limits;
    this.observer = options.observer;
    const budget = (): RequestBudget =>
      new RequestBudget(options.runtime.clock, options.requestBytesMax ?? REQUEST_BYTES_MAX);
    this.budgets = { clients: budget(), peers: budget() };
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /**
   * Starts one listener; returns the port it got. `localhost` listens on both loopback addresses where IPv6 exists, for
   * clients differ in which they try first.
   */
  async listen(listener: ListenerConfig): Promise<number> {
    const hosts = listener.host === 'localhost' ? ['127.0.0.1', '::1'] : [listener.host];
    let port = listener.port;
    for (const [index, host] of hosts.entries()) {
      try {
        const listening = await this.runtime.network.listen({ host, port }, (connection) =>
          this.accept(connection, listener),
        );
        this.listening.push({ isControl: listener.isControl, listening });
        port = listening.port;
      } catch (error) {
        if (index === 0) throw error;
        this.runtime.log.debug({ err: error, host }, 'not listening on the second loopback address');
      }
    }
    this.idleTimer ??= this.planIdleCheck();
    return port;
  }

  private accept(connection: Connection, listener: ListenerConfig): void {
    const limits = this.limits();
    const address = connection.remoteAddress;
    const fromAddress = this.perAddress.get(address) ?? 0;
    if (this.connections.size >= limits.connectionsMax || fromAddress >= limits.connectionsPerAddressMax) {
      this.runtime.log.warn({ address, connections: this.connections.size }, 'connection refused: limit reached');
      connection.destroy();
      return;
    }
    this.perAddress.set(address, fromAddress + 1);
    const ordinal = this.nextConnection++;
    const served: ServerConnection = new ServerConnection({
      connection,
      context: {
        connectionId: `${listener.name}-${address}:${connection.remotePort}-${ordinal}`,
        ordinal,
        listener: listener.name,
        isControlListener: listener.isControl,
        clientAddress: address,
        principal: 'User:ANONYMOUS',
        isTrusted: false,
        handshakeNonce: undefined,
        clientSoftwareName: '',
        clientSoftwareVersion: '',
      },
      runtime: this.runtime,
      router: this.router,
      pool: this.pool,
      budget: listener.isControl ? this.budgets.peers : this.budgets.clients,
      frameBytesMax: limits.frameBytesMax,
      observer: this.observer,
      closed: () => {
        this.connections.delete(served);
        const left = (this.perAddress.get(address) ?? 1) - 1;
        if (left === 0) this.perAddress.delete(address);
        else this.perAddress.set(address, left);
        if (!listener.isControl && --this.clientCount === 0) this.clientsGone();
      },
    });
    this.connections.add(served);
    if (!listener.isControl) this.clientCount += 1;
  }

  private planIdleCheck(): Timer {
    const { idleMsMax } = this.limits();
    const everyMs = Math.min(IDLE_CHECK_MS_MAX, Math.max(idleMsMax / 2, 10));
    return this.runtime.clock.after(everyMs, () => {
      const oldest = this.runtime.clock.monotonicMs() - this.limits().idleMsMax;
      for (const connection of this.connections) {
        if (connection.isIdle && connection.lastActiveMs < oldest) connection.close('idle');
      }
      this.idleTimer = this.planIdleCheck();
    });
  }

  /**
   * Takes no more clients and no more of their requests, and lets what they asked for be answered; returns when the
   * last of them is gone. Peers stay: they bring what the answers wait for.
   */
  async drainClients(): Promise<void> {
    const closed = this.closeListeners((isControl) => !isControl);
    const gone = new Promise<void>((resolve) => {
      this.clientsGone = resolve;
    });
    for (const connection of this.clients()) connection.end();
    if (this.clientCount > 0) await gone;
    await closed;
  }

  /** Cuts the clients that are left. */
  cutClients(): void {
    for (const connection of this.clients()) connection.close('shutdown');
  }

  /** Takes nobody any more, and cuts whoever is left. */
  async close(): Promise<void> {
    this.idleTimer?.cancel();
    const closed = this.closeListeners(() => true);
    this.destroy();
    await closed;
  }

  /** Cuts every connection. */
  destroy(): void {
    for (const connection of [...this.connections]) connection.close('shutdown');
  }

  private clients(): ServerConnection[] {
    return [...this.connections].filter(({ context }) => !context.isControlListener);
  }

  private async closeListeners(isMeant: (isControl: boolean) => boolean): Promise<void> {
    const closing = this.listening.filter(({ isControl }) => isMeant(isControl));
    for (const each of closing) this.listening.splice(this.listening.indexOf(each), 1);
    await Promise.all(closing.map(({ listening }) => listening.close()));
  }
}
