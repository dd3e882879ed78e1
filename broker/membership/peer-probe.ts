/**
 * Whether the process at an address is gone. A dead process refuses connections at once; a machine that does not answer
 * may be slow, cut off or gone, and only its session can tell.
 */
import type { EndpointImage } from '../metadata/mod.ts';
import { BrokerError, type Clock, type Network } from '../std/mod.ts';

/** Between two dials: a process that restarts its listener in between is not gone. */
const NEXT_DIAL_MS = 50;
/** The kernel takes the sockets of a process that was killed one by one, so that the first dials may still be taken. */
const DIALS_MAX = 4;
const DIAL_TIMEOUT_MS = 1000;

export class PeerProbe {
  private readonly network: Network;
  private readonly clock: Clock;

  constructor(options: { readonly network: Network; readonly clock: Clock }) {
    this.network = options.network;
    this.clock = options.clock;
  }

  /** True only when two dials, a moment apart, were both refused. */
  async isGone(endpoint: EndpointImage): Promise<boolean> {
    let refused = 0;
    for (let dial = 0; dial < DIALS_MAX; dial++) {
      if (dial > 0) await new Promise<void>((resolve) => this.clock.after(NEXT_DIAL_MS, resolve));
      const outcome = await this.dial(endpoint);
      if (outcome === 'silent') return false;
      refused = outcome === 'refused' ? refused + 1 : 0;
      if (refused === 2) return true;
    }
    return false;
  }

  private async dial({ host, port }: EndpointImage): Promise<'taken' | 'refused' | 'silent'> {
    try {
      const connection = await this.network.connect({ host, port }, DIAL_TIMEOUT_MS);
      connection.destroy();
      return 'taken';
    } catch (error) {
      return error instanceof BrokerError && error.code === 'net.refused' ? 'refused' : 'silent';
    }
  }
}
