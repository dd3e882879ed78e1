/**
 * One term of leading a partition: what the leader knows of its followers, and what follows from it for the high
 * watermark and the in-sync set. It decides and has no effects; time and peers are arguments.
 *
 * A term is one leader epoch. Each begins with nothing known of the followers, so that no acknowledgement of an earlier
 * term moves this one's high watermark (KIP-320), and nobody enters the in-sync set without a fetch in this term.
 */
import { FollowerProgress, UNKNOWN_OFFSET } from './follower-progress.ts';
import { nextHighWatermark } from './high-watermark.ts';
import { type InSyncChange, InSyncSet } from './in-sync-set.ts';
import { isEligible, type Peer } from './peers.ts';

/**
 * After the controller refused a change: a follower that is caught up fetches far more often than it is worth asking.
 */
const REFUSED_PAUSE_MS = 500;

/** What of a partition's state a term follows; the leader and its epoch stay as they are. */
export interface LeadershipMembers {
  readonly partitionEpoch: number;
  readonly inSyncReplicas: readonly number[];
  readonly replicas: readonly number[];
}

export interface LeadershipView {
  readonly nowMs: number;
  readonly lagTimeMaxMs: number;
  readonly peer: (nodeId: number) => Peer | undefined;
}

export class Leadership {
  readonly nodeId: number;
  readonly leaderEpoch: number;
  /** Where the log ended when the term began: who has less may lack what an earlier leader committed. */
  readonly epochStartOffset: number;
  readonly inSync: InSyncSet;
  partitionEpoch: number;
  private growsFromMs = 0;
  private readonly followers = new Map<number, FollowerProgress>();

  constructor(options: {
    readonly nodeId: number;
    readonly leaderEpoch: number;
    readonly epochStartOffset: number;
    readonly members: LeadershipMembers;
    readonly nowMs: number;
  }) {
    const { members, nowMs } = options;
    this.nodeId = options.nodeId;
    this.leaderEpoch = options.leaderEpoch;
    this.epochStartOffset = options.epochStartOffset;
    this.inSync = new InSyncSet(members.inSyncReplicas);
    this.partitionEpoch = members.partitionEpoch;
    this.updateFollowers(members, nowMs);
  }

  get hasFollowers(): boolean {
    return this.followers.size > 0;
  }

  follower(nodeId: number): FollowerProgress | undefined {
    return this.followers.get(nodeId);
  }

  allFollowers(): Iterable<FollowerProgress> {
    return this.followers.values();
  }

  /** Newer metadata of the same term settles whatever change was open. */
  update(members: LeadershipMembers, nowMs: number): void {
    this.partitionEpoch = members.partitionEpoch;
    this.inSync.commit(members.inSyncReplicas);
    this.updateFollowers(members, nowMs);
  }

  private updateFollowers(members: LeadershipMembers, nowMs: number): void {
    for (const nodeId of this.followers.keys()) if (!members.replicas.includes(nodeId)) this.followers.delete(nodeId);
    for (const nodeId of members.replicas) {
      if (nodeId === this.nodeId || this.followers.has(nodeId)) continue;
      const isInSync = members.inSyncReplicas.includes(nodeId);
      this.followers.set(nodeId, new FollowerProgress({ nodeId, isInSync, nowMs }));
    }
  }

  /**
   * Below min.insync.replicas the watermark stands still (KIP-966): those who left the set then keep all that was ever
   * committed, and may be elected.
   */
  nextHighWatermark(
    log: { readonly highWatermark: number; readonly logEndOffset: number },
    minInSync: number,
    view: () => LeadershipView,
  ): number {
    if (this.followers.size === 0) return log.logEndOffset;
    if (this.inSync.committed.length < minInSync) return log.highWatermark;
    return nextHighWatermark({
      current: log.highWatermark,
      leaderLogEnd: log.logEndOffset,
      followers: this.followers.values(),
      counts: (follower) => this.inSync.has(follower.nodeId) || this.mayCatchUp(follower, log.logEndOffset, view()),
    });
  }

  private mayCatchUp(follower: FollowerProgress, leaderLogEnd: number, view: LeadershipView): boolean {
    const { nowMs, lagTimeMaxMs } = view;
    if (!follower.isMoving || !follower.isCaughtUp({ leaderLogEnd, nowMs, lagTimeMaxMs })) return false;
    return isEligible(view.peer(follower.nodeId), follower.brokerEpoch);
  }

  /** The log grew beyond `previousEnd`. */
  grew(previousEnd: number): void {
    for (const follower of this.followers.values()) follower.leaderGrew(previousEnd);
  }

  /** The change that takes a follower into the in-sync set, if it has come far enough and nothing is open. */
  expansion(
    follower: FollowerProgress,
    options: {
      readonly highWatermark: number;
      readonly brokerEpoch: number;
      readonly peer: Peer | undefined;
      readonly nowMs: number;
    },
  ): InSyncChange | undefined {
    const { committed, pending } = this.inSync;
    if (pending !== undefined || committed.includes(follower.nodeId) || options.nowMs < this.growsFromMs) {
      return undefined;
    }
    if (follower.logEndOffset === UNKNOWN_OFFSET) return undefined;
    // What was committed before this term may lie above the watermark that the new leader has heard of, but never above
    // the start of the term.
    if (follower.logEndOffset < options.highWatermark) return undefined;
    if (follower.logEndOffset < this.epochStartOffset) return undefined;
    if (!isEligible(options.peer, follower.brokerEpoch)) return undefined;
    return this.change('expand', [...committed, follower.nodeId], options.brokerEpoch);
  }

  /** The controller says that the change was not made and never will be. */
  reverted(nowMs: number): void {
    const { committed, pending } = this.inSync;
    for (const { brokerId } of pending?.newInSyncReplicas ?? []) {
      if (!committed.includes(brokerId)) this.followers.get(brokerId)?.refused();
    }
    this.inSync.revert();
    this.growsFromMs = nowMs + REFUSED_PAUSE_MS;
  }

  /** The change that leaves out the followers that were not caught up for too long. */
  shrink(options: {
    readonly leaderLogEnd: number;
    readonly nowMs: number;
    readonly lagTimeMaxMs: number;
    readonly brokerEpoch: number;
  }): InSyncChange | undefined {
    const { committed, pending } = this.inSync;
    if (pending !== undefined || this.followers.size === 0) return undefined;
    const kept = committed.filter(
      (nodeId) => nodeId === this.nodeId || (this.followers.get(nodeId)?.isCaughtUp(options) ?? false),
    );
    return kept.length === committed.length ? undefined : this.change('shrink', kept, options.brokerEpoch);
  }

  /**
   * Each member is named with the epoch it fetched as, so that the controller refuses one that restarted meanwhile. One
   * that has not fetched in this term has epoch -1: it was a member before, and a restart would have removed it.
   */
  private change(kind: InSyncChange['kind'], members: readonly number[], brokerEpoch: number): InSyncChange {
    return {
      kind,
      leaderEpoch: this.leaderEpoch,
      partitionEpoch: this.partitionEpoch,
      newInSyncReplicas: members.map((brokerId) => ({
        brokerId,
        brokerEpoch: brokerId === this.nodeId ? brokerEpoch : (this.followers.get(brokerId)?.brokerEpoch ?? -1),
      })),
    };
  }

  /** The lowest log start of all live replicas: below it DeleteRecords has taken effect everywhere. */
  lowWatermark(logStartOffset: number, peer: (nodeId: number) => Peer | undefined): number {
    let lowest = logStartOffset;
    for (const follower of this.followers.values()) {
      if (follower.logStartOffset < lowest && peer(follower.nodeId)?.isFenced === false)
        lowest = follower.logStartOffset;
    }
    return lowest;
  }
}
