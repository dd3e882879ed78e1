/**
 * Whether the process at an address is gone. A dead process refuses connections at once; a machine that does not answer
 * may be slow, cut off or gone, and only its session can tell.
 */
import type { EndpointImage } from '../metadata/mod.ts';
import { BrokerError, type Clock, type Network } from '../std/mod.ts';

/** Between the two dials: a process that restarts its listener in between is not gone. */
const SECOND_DIAL_MS = 50;
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
    if (!(await this.isRefused(endpoint))) return false;
    await new Promise<void>((resolve) => this.clock.after(SECOND_DIAL_MS, resolve));
    return this.isRefused(endpoint);
  }

  private async isRefused({ host, port }: EndpointImage): Promise<boolean> {
    try {
      const connection = await this.network.connect({ host, port }, DIAL_TIMEOUT_MS);
      connection.destroy();
      return false;
    } catch (error) {
      return error instanceof BrokerError && error.code === 'net.refused';
    }
  }
}
