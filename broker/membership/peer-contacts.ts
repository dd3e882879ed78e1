/**
 * When a peer was last heard of: an answer over a connection that this broker opened, or a request of one that has
 * proven to be a peer. What a broker says to itself, as its own controller, tells nothing of others.
 */
import type { Clock } from '../std/mod.ts';

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

export class PeerContacts {
  private readonly clock: Clock;
  private readonly ownId: number;
  private readonly ownAddress: PeerAddress | undefined;
  private lastHeardMs: number;

  constructor(options: {
    readonly clock: Clock;
    readonly nodeId: number;
    /** Of this broker's control listener. */
    readonly ownAddress: PeerAddress | undefined;
  }) {
    this.clock = options.clock;
    this.ownId = options.nodeId;
    this.ownAddress = options.ownAddress;
    this.lastHeardMs = options.clock.monotonicMs();
  }

  /** On the monotonic clock. */
  get heardMs(): number {
    return this.lastHeardMs;
  }

  /** Whoever listens at that address answered. */
  answered({ host, port }: PeerAddress): void {
    if (host !== this.ownAddress?.host || port !== this.ownAddress.port) this.lastHeardMs = this.clock.monotonicMs();
  }

  /** A request came over the control listener from somebody who may use it. */
  spoke(clientId: string | null): void {
    if (clientId !== clientIdOf(this.ownId)) this.lastHeardMs = this.clock.monotonicMs();
  }
}

/** How a broker names itself to its peers. */
export function clientIdOf(nodeId: number): string {
  return `broker-${nodeId}`;
}
