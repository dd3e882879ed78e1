/**
 * Which broker's heartbeats come over which connection, so that the end of a connection tells of a process that died.
 */
import type { ConnectionContext } from '../network/mod.ts';

export class PeerConnections {
  private readonly brokers = new Map<ConnectionContext, { readonly brokerId: number; readonly brokerEpoch: number }>();
  private readonly onLost: (brokerId: number, brokerEpoch: number) => void;

  /** `onLost` is called when the connection closes over which the broker of that epoch last spoke. */
  constructor(onLost: (brokerId: number, brokerEpoch: number) => void) {
    this.onLost = onLost;
  }

  watch(connection: ConnectionContext, brokerId: number, brokerEpoch: number): void {
    if (this.brokers.get(connection)?.brokerEpoch === brokerEpoch) return;
    this.brokers.set(connection, { brokerId, brokerEpoch });
  }

  closed(connection: ConnectionContext): void {
    const broker = this.brokers.get(connection);
    if (broker === undefined) return;
    this.brokers.delete(connection);
    this.onLost(broker.brokerId, broker.brokerEpoch);
  }
}
