/**
 * Which broker speaks over which connection.
 *
 * The end of the connection of its heartbeats tells of a process that died. And its in-sync proposals are taken from
 * the newest connection alone: a leader whose proposal was refused takes that as final and acts on the old set from
 * then on, so an earlier attempt, which hung in a connection that the leader gave up, must not be taken after that.
 */
import type { ConnectionContext } from '../network/mod.ts';

export class PeerConnections {
  private readonly brokers = new Map<ConnectionContext, { readonly brokerId: number; readonly brokerEpoch: number }>();
  private readonly newestProposer = new Map<number, number>();
  private readonly onLost: (brokerId: number, brokerEpoch: number) => void;

  /** `onLost` is called when the connection closes over which the broker of that epoch last spoke. */
  constructor(onLost: (brokerId: number, brokerEpoch: number) => void) {
    this.onLost = onLost;
  }

  watch(connection: ConnectionContext, brokerId: number, brokerEpoch: number): void {
    if (this.brokers.get(connection)?.brokerEpoch === brokerEpoch) return;
    this.brokers.set(connection, { brokerId, brokerEpoch });
  }

  /** False when the broker has proposed over a connection that was accepted later. */
  isNewest({ ordinal }: Pick<ConnectionContext, 'ordinal'>, brokerId: number): boolean {
    const newest = Math.max(ordinal, this.newestProposer.get(brokerId) ?? 0);
    this.newestProposer.set(brokerId, newest);
    return ordinal === newest;
  }

  closed(connection: ConnectionContext): void {
    const broker = this.brokers.get(connection);
    if (broker === undefined) return;
    this.brokers.delete(connection);
    this.onLost(broker.brokerId, broker.brokerEpoch);
  }
}
