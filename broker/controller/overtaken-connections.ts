/**
 * Connections that a broker has given up for a newer one.
 *
 * A leader whose proposal was refused takes that as final: it acts on the old in-sync set from then on. An earlier
 * attempt at the same proposal, which hung in a connection that the leader gave up, must not be taken after that.
 */
export class OvertakenConnections {
  private readonly newest = new Map<number, number>();

  /** Whether the broker has asked over a later connection already. Ordinals grow in the order of being accepted. */
  has(brokerId: number, ordinal: number): boolean {
    const newest = this.newest.get(brokerId) ?? -1;
    if (ordinal > newest) this.newest.set(brokerId, ordinal);
    return ordinal < newest;
  }
}
