/**
 * The way to the active controller: one connection to whoever claimed the log last, made anew when that changes.
 *
 * The controller's own broker takes the same way, so that there is one path and not two. Nothing is tried again here:
 * callers know what may be repeated, and when.
 */
import type { Call, KafkaConnection } from '../protocol/connection/mod.ts';
import { BrokerError, type Clock, type Logger } from '../std/mod.ts';
import type { PeerConnector } from './peer-connector.ts';
import type { KnownController } from './peer-positions.ts';

interface Link {
  readonly controllerId: number;
  readonly address: string;
  readonly connection: Promise<KafkaConnection>;
  /** Rejects when the link is given up, open or not yet. */
  readonly dropped: PromiseWithResolvers<never>;
}

export class ControllerChannel {
  private readonly connector: PeerConnector;
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly controller: () => KnownController | undefined;
  private link: Link | undefined;
  private isClosed = false;
  /** Called when the connection to a controller ends that was still the active one. */
  onLost: (controllerId: number) => void = () => {};

  constructor(options: {
    readonly connector: PeerConnector;
    readonly clock: Clock;
    readonly log: Logger;
    readonly controller: () => KnownController | undefined;
  }) {
    this.connector = options.connector;
    this.clock = options.clock;
    this.log = options.log;
    this.controller = options.controller;
  }

  /**
   * Rejects with BrokerError `net.*` when the controller cannot be reached or does not answer within `timeoutMs` (what
   * was asked may then have been done or not), and with `store.fenced` while there is no controller to ask.
   */
  async request<RequestInit, Response>(
    call: Call<RequestInit, Response>,
    version: number,
    body: RequestInit,
    timeoutMs: number,
  ): Promise<Response> {
    const link = this.openLink();
    const timeout = new BrokerError('net.timeout', 'the controller did not answer in time', { retriable: true });
    let give = (_: Error): void => {};
    const expired = new Promise<never>((_, reject) => {
      give = reject;
    });
    const timer = this.clock.after(timeoutMs, () => {
      give(timeout);
      this.drop(link);
    });
    const answered = link.connection.then((connection) => connection.request(call, version, body));
    try {
      return await Promise.race([answered, link.dropped.promise, expired]);
    } finally {
      timer.cancel();
    }
  }

  /** Whoever waits for a controller that is no more hears so at once, and may ask the one that came after it. */
  controllerMoved(): void {
    if (this.link !== undefined && this.link.address !== addressOf(this.controller())) this.drop(this.link);
  }

  private openLink(): Link {
    if (this.isClosed) throw new BrokerError('net.closed', 'the broker shuts down');
    const wanted = this.controller();
    if (wanted === undefined) {
      throw new BrokerError('store.fenced', 'the cluster has no controller yet', { retriable: true });
    }
    this.controllerMoved();
    if (this.link !== undefined) return this.link;
    const connection = this.connector.connect(wanted.endpoint);
    const dropped = Promise.withResolvers<never>();
    // It concerns requests alone, and there may be none.
    dropped.promise.catch(() => {});
    const link: Link = { controllerId: wanted.controllerId, address: addressOf(wanted), connection, dropped };
    this.link = link;
    connection.then(
      (open) => open.onClosed(() => this.lost(link)),
      () => this.lost(link),
    );
    return link;
  }

  /** The next request makes a new connection. */
  private drop(link: Link): void {
    if (this.link === link) this.link = undefined;
    link.dropped.reject(new BrokerError('net.closed', 'the controller was given up', { retriable: true }));
    link.connection.then((connection) => connection.close()).catch(() => {});
  }

  private lost(link: Link): void {
    if (this.link !== link) return;
    this.link = undefined;
    if (this.isClosed) return;
    this.log.info({ controller: link.controllerId }, 'connection to the controller lost');
    this.onLost(link.controllerId);
  }

  close(): void {
    this.isClosed = true;
    if (this.link !== undefined) this.drop(this.link);
  }
}

function addressOf(controller: KnownController | undefined): string {
  if (controller === undefined) return '';
  const { controllerId, endpoint } = controller;
  return `${controllerId}@${endpoint.host}:${endpoint.port}`;
}
