/**
 * One partition on this broker: the only way to its log.
 *
 * A leader appends, advances the high watermark over the in-sync set and wakes those who wait; with an in-sync set of
 * one it is the same path. Handlers and coordinators never touch the log beneath, for an append past this file would
 * bypass the in-sync set.
 */
import type { AppendResult, PartitionLog, ReadResult } from '../log/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { CommitWaiters, ProgressListeners } from './waiters.ts';

export type ReadIsolation = 'logEnd' | 'uncommitted' | 'committed';

export interface LeadershipState {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly inSyncReplicas: readonly number[];
  readonly replicas: readonly number[];
}

export interface AppendOptions {
  readonly origin: 'client' | 'coordinator';
  readonly requiredAcks: number;
  readonly produceVersion?: number;
}

const NOT_APPENDED = { baseOffset: -1, lastOffset: -1, logAppendTimeMs: -1, logStartOffset: -1 } as const;
/** What coordinators write as: they know every rule of the newest version. */
const NEWEST_PRODUCE = 13;

export class Replica {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly log: PartitionLog;
  private readonly nodeId: number;
  private state: LeadershipState;
  private readonly commitWaiters = new CommitWaiters();
  private readonly progress = new ProgressListeners();
  private readonly leadershipListeners = new Set<() => void>();
  /** The smallest in-sync set that acks=all accepts; from min.insync.replicas, never above the replication factor. */
  minInSyncReplicas: number;

  constructor(options: {
    readonly topic: string;
    readonly topicId: string;
    readonly partition: number;
    readonly log: PartitionLog;
    readonly nodeId: number;
    readonly state: LeadershipState;
    readonly minInSyncReplicas: number;
  }) {
    this.topic = options.topic;
    this.topicId = options.topicId;
    this.partition = options.partition;
    this.log = options.log;
    this.nodeId = options.nodeId;
    this.state = options.state;
    this.minInSyncReplicas = options.minInSyncReplicas;
    this.takeState(options.state);
  }

  get isLeader(): boolean {
    return this.state.leader === this.nodeId;
  }

  get leader(): number {
    return this.state.leader;
  }

  get leaderEpoch(): number {
    return this.state.leaderEpoch;
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
    return this.isLeader && this.state.inSyncReplicas.length < this.state.replicas.length;
  }

  get isUnderMinInSync(): boolean {
    return this.isLeader && this.state.inSyncReplicas.length < this.minInSync;
  }

  private get minInSync(): number {
    return Math.min(this.minInSyncReplicas, this.state.replicas.length);
  }

  /**
   * Applies a partition record. A new leader writes its epoch before any record, so followers find where to truncate.
   */
  updateState(state: LeadershipState): void {
    const wasLeader = this.isLeader;
    const previousEpoch = this.state.leaderEpoch;
    this.state = state;
    this.takeState(state, previousEpoch);
    if (wasLeader !== this.isLeader || previousEpoch !== state.leaderEpoch) {
      for (const listener of [...this.leadershipListeners]) listener();
      this.progress.notify();
    }
  }

  private takeState(state: LeadershipState, previousEpoch = -1): void {
    if (state.leader !== this.nodeId || state.leaderEpoch === previousEpoch) return;
    this.log.leaderEpochs.assign(state.leaderEpoch, this.log.logEndOffset);
    this.advanceHighWatermark();
  }

  /** The error of a request that was sent under `leaderEpoch` (-1: unchecked), or NONE. */
  checkEpoch(leaderEpoch: number): number {
    if (!this.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    if (leaderEpoch === -1 || leaderEpoch === this.state.leaderEpoch) return ErrorCode.NONE;
    return leaderEpoch < this.state.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH;
  }

  /**
   * Appends one batch as the leader. `batch` is a view that is valid only during the call; `done` runs after the batch
   * was written. With requiredAcks -1 the caller then awaits the commit.
   */
  append(batch: Buffer, options: AppendOptions, done: (result: AppendResult) => void): void {
    const refusal = this.appendRefusal(options.requiredAcks);
    if (refusal !== ErrorCode.NONE) {
      done({ errorCode: refusal, ...NOT_APPENDED });
      return;
    }
    const appendOptions = {
      origin: options.origin,
      produceVersion: options.produceVersion ?? NEWEST_PRODUCE,
      leaderEpoch: this.state.leaderEpoch,
    };
    this.log.appendAsLeader(batch, appendOptions, (result) => {
      if (result.errorCode === ErrorCode.NONE) this.advanceHighWatermark();
      done(result);
    });
  }

  private appendRefusal(requiredAcks: number): number {
    if (!this.isLeader) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const isTooSmall = requiredAcks === -1 && this.state.inSyncReplicas.length < this.minInSync;
    return isTooSmall ? ErrorCode.NOT_ENOUGH_REPLICAS : ErrorCode.NONE;
  }

  /** Alone in the in-sync set, whatever is written is committed. */
  private advanceHighWatermark(): void {
    const committed = this.log.logEndOffset;
    if (committed <= this.log.highWatermark) return;
    this.log.setHighWatermark(committed);
    this.commitWaiters.advance(committed);
    this.progress.notify();
  }

  /** Calls `done` once every offset below `offset` is committed; returns how to stop waiting. */
  awaitCommitted(offset: number, done: (errorCode: number) => void): () => void {
    if (this.log.highWatermark >= offset) {
      done(ErrorCode.NONE);
      return () => {};
    }
    return this.commitWaiters.add(offset, () => done(ErrorCode.NONE));
  }

  /** Calls `listener` whenever the high watermark, the log start or the leadership moves. */
  onProgress(listener: () => void): () => void {
    return this.progress.add(listener);
  }

  onLeadershipChange(listener: () => void): () => void {
    this.leadershipListeners.add(listener);
    return () => this.leadershipListeners.delete(listener);
  }

  /** Where a reader of that isolation must stop. */
  readableEnd(isolation: ReadIsolation): number {
    if (isolation === 'logEnd') return this.log.logEndOffset;
    return isolation === 'committed' ? this.log.lastStableOffset : this.log.highWatermark;
  }

  /** Where the history of an epoch ends here: the largest epoch not above `leaderEpoch` and its end (T61, KIP-101). */
  endOffsetForEpoch(leaderEpoch: number): { readonly epoch: number; readonly endOffset: number } {
    if (leaderEpoch === this.state.leaderEpoch) return { epoch: leaderEpoch, endOffset: this.log.logEndOffset };
    return this.log.leaderEpochs.endOffsetFor(leaderEpoch, this.log.logEndOffset);
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

  /** Moves the log start (DeleteRecords); -1 means the high watermark. Returns an error code and the low watermark. */
  deleteRecordsBefore(offset: number): { errorCode: number; lowWatermark: number } {
    if (!this.isLeader) return { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, lowWatermark: -1 };
    const target = offset === -1 ? this.log.highWatermark : offset;
    if (target < 0 || target > this.log.highWatermark) {
      return { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 };
    }
    this.log.deleteRecordsBefore(target);
    this.progress.notify();
    return { errorCode: ErrorCode.NONE, lowWatermark: this.log.logStartOffset };
  }

  get parkedFetches(): number {
    return this.progress.size;
  }

  get parkedProduces(): number {
    return this.commitWaiters.size;
  }

  /** The partition leaves this broker: everybody parked on it looks again, and finds it gone. */
  close(): void {
    this.state = { ...this.state, leader: -1 };
    for (const wake of this.commitWaiters.drain()) wake();
    for (const listener of [...this.leadershipListeners]) listener();
    this.progress.notify();
  }
}
