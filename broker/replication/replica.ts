/**
 * One partition on this broker: the only way to its log.
 *
 * A leader appends, hears from its followers how far they are, advances the high watermark over the in-sync set and
 * wakes those who wait; with an in-sync set of one it is the same path. A follower takes what its leader has, and cuts
 * off what its leader does not. Handlers and coordinators never touch the log beneath, for an append past this file
 * would bypass the in-sync set.
 */
import type { AppendResult, EpochEndOffset, PartitionLog, ReadResult } from '../log/mod.ts';
import { neededInSync } from '../metadata/mod.ts';
import type { AlterPartitionResponseTopicsPartitions } from '../protocol/generated/alter-partition-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Runtime } from '../std/mod.ts';
import type { AlterPartitionQueue, ChangeOwner } from './alter-partition-queue.ts';
import type { ReplicationCounters } from './counters.ts';
import { beginsBefore, upToEpoch } from './fetched-records.ts';
import type { FollowerContact } from './follower-progress.ts';
import type { InSyncChange } from './in-sync-set.ts';
import { Leadership, type LeadershipMembers } from './leadership.ts';
import type { Cluster } from './peers.ts';
import { type ReadCandidate, selectReadReplica } from './read-replica.ts';
import type { ReplicationConfig } from './replication-config.ts';
import { Sequence } from './sequence.ts';
import { type RangeRepair, truncationPoint } from './truncation.ts';
import { Listeners, OffsetWaiters } from './waiters.ts';

export type ReadIsolation = 'logEnd' | 'uncommitted' | 'committed';

export interface LeadershipState extends LeadershipMembers {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly addingReplicas?: readonly number[];
}

export interface AppendOptions {
  readonly origin: 'client' | 'coordinator';
  readonly requiredAcks: number;
  readonly produceVersion?: number;
}

/** What replicas of one broker share. */
export interface ReplicaContext {
  readonly nodeId: number;
  readonly runtime: Runtime;
  readonly config: ReplicationConfig;
  readonly cluster: Cluster;
  readonly changes: AlterPartitionQueue;
  readonly counters: ReplicationCounters;
}

/** What a follower got from its leader for one partition. */
export interface FetchedRecords {
  /** The leader epoch under which it was asked for. */
  readonly leaderEpoch: number;
  readonly records: Buffer | null;
  readonly highWatermark: number;
  readonly logStartOffset: number;
}

const NOT_APPENDED = { baseOffset: -1, lastOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 } as const;
/** What coordinators write as: they know every rule of the newest version. */
const NEWEST_PRODUCE = 13;
const NOTHING_TO_STOP = (): void => {};

export class Replica implements ChangeOwner {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly log: PartitionLog;
  private readonly context: ReplicaContext;
  private state: LeadershipState;
  /** Present while this broker leads. */
  private term: Leadership | undefined;
  private knownLogEnd = 0;
  private isClosed = false;
  private readonly work = new Sequence();
  private readonly commitWaiters = new OffsetWaiters();
  /** Made for the first of them: few partitions ever have any. */
  private deletionWaiters: OffsetWaiters | undefined;
  private readonly progress = new Listeners();
  private readonly leadershipListeners = new Listeners();
  /** Sessions of followers: told of everything new, and whether it is worth an answer. */
  private readonly followerListeners = new Listeners<[isWorthAnswer: boolean]>();
  /** min.insync.replicas, as it stands beside `state` in the metadata. */
  private minInSyncReplicas: number;

  constructor(options: {
    readonly topic: string;
    readonly topicId: string;
    readonly partition: number;
    readonly log: PartitionLog;
    readonly context: ReplicaContext;
    readonly state: LeadershipState;
    readonly minInSyncReplicas: number;
  }) {
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.partition = options.partition;
    this.log = options.log;
    this.context = options.context;
    this.state = options.state;
    this.minInSyncReplicas = options.minInSyncReplicas;
    this.log.onAppended = () => this.logGrew();
    if (options.state.leader === options.context.nodeId) this.beginTerm();
  }

  get isLeader(): boolean {
    return this.term !== undefined;
  }

  get leader(): number {
    return this.state.leader;
  }

  get leaderEpoch(): number {
    return this.state.leaderEpoch;
  }

  get partitionEpoch(): number {
    return this.state.partitionEpoch;
  }

  get inSyncReplicas(): readonly number[] {
    return this.state.inSyncReplicas;
  }

  get replicas(): readonly number[] {
    return this.state.replicas;
  }

  get highWatermark(): number {
    return this.log.highWatermark;
  }

  get lastStableOffset(): number {
    return this.log.lastStableOffset;
  }

  get logStartOffset(): number {
    return this.log.logStartOffset;
  }

  get logEndOffset(): number {
    return this.log.logEndOffset;
  }

  get isUnderReplicated(): boolean {
    return this.isLeader && this.state.inSyncReplicas.length < this.replicationFactor;
  }

  /** Replicas that are being added do not count yet. */
  private get replicationFactor(): number {
    return this.state.replicas.length - (this.state.addingReplicas?.length ?? 0);
  }

  get isUnderMinInSync(): boolean {
    return this.isLeader && this.state.inSyncReplicas.length < this.minInSync;
  }

  get isAtMinInSync(): boolean {
    return this.isLeader && this.state.inSyncReplicas.length === this.minInSync;
  }

  private get minInSync(): number {
    const { replicas, addingReplicas = [] } = this.state;
    return neededInSync(this.minInSyncReplicas, { replicas, addingReplicas });
  }

  isAdding(nodeId: number): boolean {
    return this.state.addingReplicas?.includes(nodeId) ?? false;
  }

  // Leadership.

  /**
   * Applies what the metadata says of the partition and of min.insync.replicas, both at once: a new minimum over the
   * old members, or the other way round, could commit what an eligible leader does not have. Undefined when it took
   * effect at once; a promise when it waits for appends that are still on their way to the disk, or for a truncation.
   */
  updateState(state: LeadershipState, minInSyncReplicas: number): Promise<void> | undefined {
    return this.work.run(() => this.takeState(state, minInSyncReplicas));
  }

  private takeState(state: LeadershipState, minInSyncReplicas: number): Promise<void> | undefined {
    const { state: previous } = this;
    if (this.isClosed) return undefined;
    this.minInSyncReplicas = minInSyncReplicas;
    if (state.partitionEpoch <= previous.partitionEpoch) {
      // The controller's answer to a change of ours may have come before the metadata that says the same and more:
      // which replicas are still being added. What we know already settles no change that we asked for since.
      if (state.partitionEpoch === previous.partitionEpoch) this.state = state;
      this.membersChanged();
      return undefined;
    }
    this.state = state;
    if (state.leaderEpoch === previous.leaderEpoch && state.leader === previous.leader) {
      this.updateMembers();
      return undefined;
    }
    this.endTerm();
    if (state.leader !== this.context.nodeId) {
      this.leadershipMoved();
      return undefined;
    }
    // What is on its way to the disk carries an older epoch, and this term begins after it.
    const drained = this.log.drain();
    if (this.log.stagedEndOffset === this.log.logEndOffset) {
      this.beginTerm();
      this.leadershipMoved();
      return undefined;
    }
    return drained.then(() => {
      if (this.isClosed || this.state !== state) return;
      this.beginTerm();
      this.leadershipMoved();
    });
  }

  /** A new leader writes its epoch before any record, so that followers find where to truncate. */
  private beginTerm(): void {
    const { state, log } = this;
    log.leaderEpochs.assign(state.leaderEpoch, log.logEndOffset);
    this.knownLogEnd = log.logEndOffset;
    this.term = new Leadership({
      nodeId: this.context.nodeId,
      leaderEpoch: state.leaderEpoch,
      epochStartOffset: log.logEndOffset,
      members: state,
      nowMs: this.nowMs(),
    });
    this.advanceHighWatermark();
  }

  private endTerm(): void {
    this.term = undefined;
    this.deletionWaiters?.failAll(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    this.commitWaiters.failAll(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  }

  private leadershipMoved(): void {
    this.leadershipListeners.notify();
    this.progress.notify();
    this.followerListeners.notify(true);
  }

  /** The metadata, or the controller's answer, says who the members are: a change that was open has come to an end. */
  private updateMembers(): void {
    const { term, state } = this;
    if (term === undefined) return;
    const { pending } = term.inSync;
    term.update(state, this.nowMs());
    if (pending !== undefined) this.countChange(pending, state.inSyncReplicas);
    this.membersChanged();
  }

  private countChange(change: InSyncChange, inSyncReplicas: readonly number[]): void {
    const { counters } = this.context;
    const { kind, newInSyncReplicas: proposed } = change;
    const isMade =
      proposed.length === inSyncReplicas.length && proposed.every(({ brokerId }) => inSyncReplicas.includes(brokerId));
    if (!isMade) counters.failedInSyncUpdates++;
    else if (kind === 'expand') counters.inSyncExpands++;
    else counters.inSyncShrinks++;
  }

  private membersChanged(): void {
    if (this.term === undefined) return;
    if (this.isUnderMinInSync) {
      this.commitWaiters.failThoseNeedingMinInSync(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    }
    this.advanceHighWatermark();
    // A follower that was not a replica before may be one now.
    this.followerListeners.notify(true);
  }

  /** The error of a request that was sent under `leaderEpoch` (-1: unchecked), or NONE. */
  checkEpoch(leaderEpoch: number): number {
    if (!this.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    return this.compareEpoch(leaderEpoch);
  }

  /** As `checkEpoch`, where a follower will do. */
  compareEpoch(leaderEpoch: number): number {
    if (this.isClosed) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    if (leaderEpoch === -1 || leaderEpoch === this.state.leaderEpoch) return ErrorCode.NONE;
    return leaderEpoch < this.state.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH;
  }

  // Appending as the leader.

  /**
   * Appends one batch as the leader. `batch` is a view that is valid only during the call; `done` runs after the batch
   * was written. With requiredAcks -1 the caller then awaits the commit.
   */
  append(batch: Buffer, options: AppendOptions, done: (result: AppendResult) => void): void {
    const { term } = this;
    const refusal = this.appendRefusal(options.requiredAcks);
    if (term === undefined || refusal !== ErrorCode.NONE) {
      done({ errorCode: refusal, ...NOT_APPENDED });
      return;
    }
    const appendOptions = {
      origin: options.origin,
      produceVersion: options.produceVersion ?? NEWEST_PRODUCE,
      leaderEpoch: term.leaderEpoch,
    };
    this.log.appendAsLeader(batch, appendOptions, (result) => {
      if (result.errorCode === ErrorCode.NONE) this.advanceHighWatermark();
      done(result);
    });
  }

  private appendRefusal(requiredAcks: number): number {
    if (!this.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    return requiredAcks === -1 && this.isUnderMinInSync ? ErrorCode.NOT_ENOUGH_REPLICAS : ErrorCode.NONE;
  }

  private logGrew(): void {
    const { term } = this;
    if (term === undefined || !term.hasFollowers) return;
    term.grew(this.knownLogEnd);
    this.knownLogEnd = this.log.logEndOffset;
    this.followerListeners.notify(true);
  }

  private advanceHighWatermark(): void {
    const { term, log } = this;
    if (term === undefined) return;
    const next = term.nextHighWatermark(log, this.minInSync, this.view);
    if (next > log.highWatermark) this.highWatermarkMoves(next);
  }

  private highWatermarkMoves(highWatermark: number): void {
    this.log.setHighWatermark(highWatermark);
    this.commitWaiters.advance(highWatermark);
    this.progress.notify();
    this.followerListeners.notify(false);
  }

  private readonly view = () => ({
    nowMs: this.nowMs(),
    lagTimeMaxMs: this.context.config.lagTimeMaxMs,
    peer: this.context.cluster.peer,
  });

  /**
   * Calls `done` once every offset below `offset` is committed, or with an error when that will not happen under this
   * leader. With `needsMinInSync` also when the in-sync set becomes too small. Returns how to stop waiting.
   */
  awaitCommitted(
    offset: number,
    done: (errorCode: number) => void,
    options: { readonly needsMinInSync?: boolean } = {},
  ): () => void {
    if (!this.isLeader || this.log.highWatermark >= offset) {
      done(this.isLeader ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER);
      return NOTHING_TO_STOP;
    }
    return this.commitWaiters.add(offset, done, options.needsMinInSync ?? false);
  }

  // What followers say.

  /** The error of a fetch by that replica under that leader epoch, or NONE. */
  checkFollower(nodeId: number, brokerEpoch: number, leaderEpoch: number): number {
    const errorCode = this.checkEpoch(leaderEpoch);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    // What a follower has counts only under the epoch that it knows its leader by (KIP-320).
    if (leaderEpoch < 0) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    // Not yet a replica as far as this leader knows: the follower's metadata is ahead, and it tries again.
    if (this.term?.follower(nodeId) === undefined) return ErrorCode.UNKNOWN_LEADER_EPOCH;
    const registered = this.context.cluster.peer(nodeId)?.brokerEpoch ?? -1;
    return registered > brokerEpoch ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE;
  }

  /** A follower whose history is ours up to `offset` asked for what comes from there on. */
  followerFetched(
    nodeId: number,
    fetch: {
      readonly contact: FollowerContact;
      readonly offset: number;
      readonly logStartOffset: number;
      readonly brokerEpoch: number;
    },
  ): void {
    const follower = this.term?.follower(nodeId);
    if (follower === undefined) return;
    follower.fetched({ ...fetch, leaderLogEnd: this.log.logEndOffset });
    this.considerExpansion(nodeId);
    this.advanceHighWatermark();
    this.advanceLowWatermark();
  }

  /** Asks for the follower to be taken into the in-sync set, if it has come far enough and may. */
  considerExpansion(nodeId: number): void {
    const { term } = this;
    const follower = term?.follower(nodeId);
    if (term === undefined || follower === undefined) return;
    const change = term.expansion(follower, {
      highWatermark: this.log.highWatermark,
      brokerEpoch: this.context.cluster.brokerEpoch(),
      peer: this.context.cluster.peer(nodeId),
      nowMs: this.nowMs(),
    });
    if (change !== undefined) this.propose(term, change);
  }

  /** To be called from time to time: followers that lag leave the in-sync set. */
  checkLag(): void {
    const change = this.term?.shrink({
      leaderLogEnd: this.log.logEndOffset,
      nowMs: this.nowMs(),
      lagTimeMaxMs: this.context.config.lagTimeMaxMs,
      brokerEpoch: this.context.cluster.brokerEpoch(),
    });
    if (change !== undefined && this.term !== undefined) this.propose(this.term, change);
    // A follower outside of the set that held a watermark back may have been given up.
    this.advanceHighWatermark();
    this.advanceLowWatermark();
  }

  private advanceLowWatermark(): void {
    if (this.deletionWaiters !== undefined && this.deletionWaiters.size > 0) {
      this.deletionWaiters.advance(this.lowWatermark);
    }
  }

  private propose(term: Leadership, change: InSyncChange): void {
    const { topic, partition } = this;
    const to = change.newInSyncReplicas.map(({ brokerId }) => brokerId);
    this.context.runtime.log.info({ topic, partition, from: term.inSync.committed, to }, 'in-sync set shall change');
    term.inSync.propose(change);
    this.context.changes.submit(this);
  }

  get pendingChange(): InSyncChange | undefined {
    return this.term?.inSync.pending;
  }

  accepted(_change: InSyncChange, answer: AlterPartitionResponseTopicsPartitions): void {
    if (answer.leaderEpoch !== this.state.leaderEpoch || answer.partitionEpoch < this.state.partitionEpoch) {
      this.context.counters.failedInSyncUpdates++;
      return;
    }
    // The same partition epoch means that the set was already as we wanted it.
    this.state = { ...this.state, inSyncReplicas: answer.isr, partitionEpoch: answer.partitionEpoch };
    this.updateMembers();
  }

  refused(_change: InSyncChange, errorCode: number): boolean {
    this.context.counters.failedInSyncUpdates++;
    switch (errorCode) {
      // The controller has the partition at our epoch, and says that the change was not made: it never will be.
      case ErrorCode.OPERATION_NOT_ATTEMPTED:
      case ErrorCode.INELIGIBLE_REPLICA:
        this.term?.reverted(this.nowMs());
        this.advanceHighWatermark();
        return false;
      // The controller knows more than we do. Both sets count until its metadata arrives.
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      case ErrorCode.UNKNOWN_TOPIC_ID:
      case ErrorCode.FENCED_LEADER_EPOCH:
      case ErrorCode.INVALID_UPDATE_VERSION:
      case ErrorCode.INVALID_REQUEST:
      case ErrorCode.NEW_LEADER_ELECTED:
        return false;
      default:
        this.context.runtime.log.warn(
          { topic: this.topic, partition: this.partition, errorCode },
          'in-sync set change failed, trying again',
        );
        return true;
    }
  }

  /** Log starts of all live replicas are at or above it. */
  get lowWatermark(): number {
    return this.term?.lowWatermark(this.log.logStartOffset, this.context.cluster.peer) ?? -1;
  }

  /** The broker in the client's rack that it should read from, if not from here (KIP-392). */
  preferredReadReplica(clientRack: string, offset: number): number | undefined {
    const { term, context } = this;
    if (term === undefined || !term.hasFollowers || clientRack === '') return undefined;
    const rackOf = (nodeId: number): string | null => context.cluster.peer(nodeId)?.rack ?? null;
    const candidates: ReadCandidate[] = [];
    for (const { nodeId, logEndOffset, logStartOffset, lastCaughtUpMs } of term.allFollowers()) {
      const hasOffset = logEndOffset >= offset && logStartOffset <= offset;
      if (!hasOffset || !term.inSync.committed.includes(nodeId)) continue;
      candidates.push({ nodeId, rack: rackOf(nodeId), logEndOffset, lastCaughtUpMs });
    }
    return selectReadReplica(clientRack, rackOf(context.nodeId), candidates);
  }

  // Reading.

  /** Calls `listener` whenever the high watermark, the log start or the leadership moves. */
  onProgress(listener: () => void): () => void {
    return this.progress.add(listener);
  }

  /** Calls `listener` on whatever a follower must hear of; with false where it can wait for the next answer. */
  onNewsForFollowers(listener: (isWorthAnswer: boolean) => void): () => void {
    return this.followerListeners.add(listener);
  }

  onLeadershipChange(listener: () => void): () => void {
    return this.leadershipListeners.add(listener);
  }

  /** Where a reader of that isolation must stop. */
  readableEnd(isolation: ReadIsolation): number {
    if (isolation === 'logEnd') return this.log.logEndOffset;
    return isolation === 'committed' ? this.log.lastStableOffset : this.log.highWatermark;
  }

  /**
   * False while a new leader does not know how far its predecessor had committed: clients may have seen a later end
   * than its own high watermark (KIP-207).
   */
  get isEndKnown(): boolean {
    return this.term === undefined || this.term.epochStartOffset <= this.log.highWatermark;
  }

  /** Where the history of an epoch ends here: the largest epoch not above `leaderEpoch` and its end (T61, KIP-101). */
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset {
    if (leaderEpoch === this.state.leaderEpoch) return { epoch: leaderEpoch, endOffset: this.log.logEndOffset };
    return this.log.leaderEpochs.endOffsetFor(leaderEpoch, this.log.logEndOffset);
  }

  /** Where the fetcher's history left ours, when it did (KIP-595): it must truncate to there before it reads on. */
  findDivergence(fetch: {
    readonly fetchOffset: number;
    readonly lastFetchedEpoch: number;
  }): EpochEndOffset | 'unknown epoch' | undefined {
    if (fetch.lastFetchedEpoch < 0) return undefined;
    const found = this.endOffsetForEpoch(fetch.lastFetchedEpoch);
    if (found.epoch < 0) return 'unknown epoch';
    const isShared = found.epoch === fetch.lastFetchedEpoch && found.endOffset >= fetch.fetchOffset;
    return isShared ? undefined : found;
  }

  read(options: {
    readonly offset: number;
    readonly maxBytes: number;
    readonly isolation: ReadIsolation;
    readonly minOneBatch: boolean;
  }): ReadResult | Promise<ReadResult> {
    return this.log.read({
      offset: options.offset,
      maxBytes: options.maxBytes,
      upperBoundOffset: this.readableEnd(options.isolation),
      minOneBatch: options.minOneBatch,
    });
  }

  /** Moves the log start (DeleteRecords); -1 means the high watermark. Returns an error code and where it shall be. */
  deleteRecordsBefore(offset: number): { readonly errorCode: number; readonly target: number } {
    const target = offset === -1 ? this.log.highWatermark : offset;
    if (!this.isLeader) return { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, target };
    if (target < 0 || target > this.log.highWatermark) return { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, target };
    this.log.deleteRecordsBefore(target);
    this.progress.notify();
    this.followerListeners.notify(true);
    return { errorCode: ErrorCode.NONE, target };
  }

  /**
   * Calls `done` once no live replica has anything below `offset`, or with an error when that will not happen under
   * this leader. Returns how to stop waiting.
   */
  awaitDeleted(offset: number, done: (errorCode: number) => void): () => void {
    if (!this.isLeader || this.lowWatermark >= offset) {
      done(this.isLeader ? ErrorCode.NONE : ErrorCode.NOT_LEADER_OR_FOLLOWER);
      return NOTHING_TO_STOP;
    }
    this.deletionWaiters ??= new OffsetWaiters();
    return this.deletionWaiters.add(offset, done);
  }

  // Following.

  /** Where this follower continues. Everything that was staged before is on the disk then. */
  async fetchPosition(): Promise<{ readonly offset: number; readonly lastFetchedEpoch: number }> {
    await this.work.run(() => this.log.drain());
    return { offset: this.log.logEndOffset, lastFetchedEpoch: this.log.leaderEpochs.latestEpoch };
  }

  private isFollowing(leaderEpoch: number): boolean {
    return !this.isClosed && this.state.leader !== this.context.nodeId && this.state.leaderEpoch === leaderEpoch;
  }

  /** Appends what the leader sent, and takes over its high watermark and log start. `done` runs once it is written. */
  appendFetched(fetched: FetchedRecords, done: (errorCode: number) => void): void {
    if (!this.isFollowing(fetched.leaderEpoch)) return done(ErrorCode.FENCED_LEADER_EPOCH);
    const { log } = this;
    // A leader that lost its leadership while it answered may have sent what a later leader replicated to it.
    const records = upToEpoch(fetched.records, fetched.leaderEpoch);
    const finish = (errorCode: number): void => {
      if (errorCode === ErrorCode.NONE && this.isFollowing(fetched.leaderEpoch)) this.takeOffsets(fetched);
      done(errorCode);
    };
    if (records.length === 0) return finish(ErrorCode.NONE);
    const append = (): void => log.appendAsFollower(records, ({ errorCode }) => finish(errorCode));
    // The leader's log may start in the middle of a batch; a follower that begins there gets the batch whole.
    const restartsAt = log.logEndOffset === log.logStartOffset ? beginsBefore(records, log.logEndOffset) : undefined;
    if (restartsAt === undefined) return append();
    this.work
      .run(async () => {
        if (this.isFollowing(fetched.leaderEpoch)) await log.truncateFullyAndStartAt(restartsAt);
      })
      ?.then(append, () => finish(ErrorCode.KAFKA_STORAGE_ERROR));
  }

  private takeOffsets({ highWatermark, logStartOffset }: FetchedRecords): void {
    const { log } = this;
    const committed = Math.min(highWatermark, log.logEndOffset);
    if (committed > log.highWatermark) this.highWatermarkMoves(committed);
    // Beyond our own end the next fetch is out of range, and begins anew where the leader does.
    if (logStartOffset <= log.logStartOffset || logStartOffset > log.highWatermark) return;
    log.deleteRecordsBefore(logStartOffset);
    this.progress.notify();
  }

  /** Cuts off what the leader does not have. Nothing happens when the leadership moved meanwhile. */
  truncateToLeader(leaderEpoch: number, diverging: EpochEndOffset): Promise<void> {
    const { log } = this;
    return this.cut(leaderEpoch, async () => {
      const own = log.leaderEpochs.endOffsetFor(diverging.epoch, log.logEndOffset);
      await this.cutAt(truncationPoint({ diverging, own, logEndOffset: log.logEndOffset }));
    });
  }

  /** Brings the log into the leader's range. */
  repairRange(leaderEpoch: number, repair: RangeRepair): Promise<void> {
    return this.cut(leaderEpoch, async () => {
      if (repair.kind === 'truncate') await this.cutAt(repair.offset);
      else if (repair.kind === 'restart') await this.log.truncateFullyAndStartAt(repair.offset);
    });
  }

  private async cut(leaderEpoch: number, task: () => Promise<void>): Promise<void> {
    await this.work.run(async () => {
      if (!this.isFollowing(leaderEpoch)) return;
      await this.log.drain();
      await task();
      this.progress.notify();
    });
  }

  private async cutAt(offset: number): Promise<void> {
    const { log, topic, partition } = this;
    const fields = { topic, partition, offset, logEndOffset: log.logEndOffset, highWatermark: log.highWatermark };
    if (offset < log.highWatermark) this.context.runtime.log.warn(fields, 'log is cut below its high watermark');
    else if (offset < log.logEndOffset) this.context.runtime.log.info(fields, 'log is cut to where the leader agrees');
    await log.truncateTo(offset);
    // An epoch that we led and wrote nothing in begins at the very end, where no record is cut but the entry is wrong.
    log.leaderEpochs.truncateFromEnd(log.logEndOffset);
  }

  get parkedFetches(): number {
    return this.progress.size;
  }

  get parkedProduces(): number {
    return this.commitWaiters.size;
  }

  private nowMs(): number {
    return this.context.runtime.clock.monotonicMs();
  }

  /** The partition leaves this broker: everybody parked on it looks again, and finds it gone. */
  close(): void {
    this.isClosed = true;
    this.state = { ...this.state, leader: -1 };
    this.endTerm();
    this.log.onAppended = () => {};
    this.leadershipMoved();
  }
}
