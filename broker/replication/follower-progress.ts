/**
 * How far one follower has come, as its leader knows it from the follower's fetches.
 *
 * A fetch at offset N says that everything below N is in the follower's log. Nothing is known of a follower before its
 * first fetch in the leader's epoch: what it acknowledged to an earlier leader may have been truncated since (KIP-320).
 */

/**
 * When a follower's broker was heard last. One for all partitions of a fetch session, which it keeps alive together.
 */
export interface FollowerContact {
  lastFetchMs: number;
}

export const UNKNOWN_OFFSET = -1;

export class FollowerProgress {
  readonly nodeId: number;
  /** The follower's log end and start as of its last fetch, or UNKNOWN_OFFSET. */
  logEndOffset = UNKNOWN_OFFSET;
  logStartOffset = UNKNOWN_OFFSET;
  /** The incarnation that fetched last (KIP-903); -1 before the first fetch. */
  brokerEpoch = -1;
  /** The last moment at which the follower is known to have had all that the leader had then. */
  lastCaughtUpMs: number;
  /** Where its log ended when the controller refused to take it into the in-sync set. */
  private refusedAtOffset = UNKNOWN_OFFSET;
  private contact: FollowerContact | undefined;
  private lastFetchMs = Number.NEGATIVE_INFINITY;
  private leaderEndAtLastFetch = Number.POSITIVE_INFINITY;

  /** A follower that is in sync has the benefit of the doubt for `replica.lag.time.max.ms`; others have none. */
  constructor(options: { readonly nodeId: number; readonly isInSync: boolean; readonly nowMs: number }) {
    this.nodeId = options.nodeId;
    this.lastCaughtUpMs = options.isInSync ? options.nowMs : Number.NEGATIVE_INFINITY;
  }

  /**
   * The follower asked for `offset`. With a leader that is written to all the time a follower never asks for the very
   * end; it is caught up as of its previous fetch if it now asks for at least where the leader ended then.
   */
  fetched(fetch: {
    readonly contact: FollowerContact;
    readonly offset: number;
    readonly logStartOffset: number;
    readonly brokerEpoch: number;
    readonly leaderLogEnd: number;
  }): void {
    const { contact, offset, leaderLogEnd } = fetch;
    if (offset >= leaderLogEnd) this.caughtUp(contact.lastFetchMs);
    else if (offset >= this.leaderEndAtLastFetch) this.caughtUp(this.lastFetchMs);
    this.contact = contact;
    this.lastFetchMs = contact.lastFetchMs;
    this.leaderEndAtLastFetch = leaderLogEnd;
    this.logEndOffset = offset;
    this.logStartOffset = fetch.logStartOffset;
    this.brokerEpoch = fetch.brokerEpoch;
  }

  /**
   * The leader's log grew beyond `previousEnd`. Sessions mention only partitions that changed, so a follower that had
   * everything until now was caught up when its broker fetched last, whether or not that fetch spoke of this partition.
   */
  leaderGrew(previousEnd: number): void {
    if (this.logEndOffset >= previousEnd && this.contact !== undefined) this.caughtUp(this.contact.lastFetchMs);
  }

  /**
   * The controller does not want it in the in-sync set: its disk may be full, and it may never have what comes next.
   */
  refused(): void {
    this.refusedAtOffset = this.logEndOffset;
  }

  /** Whether it is worth waiting for, so that it can join: not for one that was refused and has not moved since. */
  get isMoving(): boolean {
    return this.logEndOffset > this.refusedAtOffset;
  }

  isCaughtUp(options: {
    readonly leaderLogEnd: number;
    readonly nowMs: number;
    readonly lagTimeMaxMs: number;
  }): boolean {
    return this.logEndOffset === options.leaderLogEnd || options.nowMs - this.lastCaughtUpMs <= options.lagTimeMaxMs;
  }

  private caughtUp(atMs: number): void {
    if (atMs > this.lastCaughtUpMs) this.lastCaughtUpMs = atMs;
  }
}
