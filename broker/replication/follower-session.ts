/**
 * One follower broker's fetches at this leader.
 *
 * Requests name only partitions whose fetch offset moved (KIP-227), and the leader keeps the others in mind. What has
 * news since the last answer is kept in a set of its own, so that a fetch costs what changed and not what exists: with
 * ten thousand partitions and one record a fetch looks at one partition.
 *
 *   request ──▶ acknowledges offsets ──▶ reads what has news ──▶ enough, or an error ──▶ answer
 *                                              ▲                        │ else
 *                                              └── news, time's up ── parked
 *
 * As in Kafka, a parked fetch is answered for new records, not for a moved high watermark: a follower's next fetch is
 * what commits a record, and it leaves as soon as the record is there.
 */
import type { EpochEndOffset, ReadResult } from '../log/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Clock, Logger, Timer } from '../std/mod.ts';
import type { FetchPartition } from './fetch-sessions.ts';
import type { FollowerContact } from './follower-progress.ts';
import type { Replica } from './replica.ts';

export interface FollowerFetchLimits {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
}

export interface FollowerAnswer {
  readonly partition: FetchPartition;
  readonly replica: Replica | undefined;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly divergingEpoch?: EpochEndOffset;
  readonly records: readonly Buffer[];
  readonly sizeBytes: number;
  readonly release: () => void;
}

/** What a session asks of the replicas around it. */
export interface FollowerSessionHost {
  readonly clock: Clock;
  readonly log: Logger;
  /** The replica of a topic id, or the error code that says why there is none here. */
  find(topicId: string, partition: number): Replica | number;
  /** Whether reads of the partition are to be held back for now. */
  isHeldBack(replica: Replica, followerId: number): boolean;
  sent(replica: Replica, followerId: number, bytes: number): void;
}

interface Entry {
  request: FetchPartition;
  replica: Replica | undefined;
  stopListening: () => void;
  /** Something happened since the partition was looked at last. */
  hasNews: boolean;
  toldHighWatermark: number;
  toldLogStart: number;
}

interface Operation {
  readonly limits: FollowerFetchLimits;
  readonly done: (answers: readonly FollowerAnswer[]) => void;
  timer: Timer | undefined;
  isTimeUp: boolean;
  isOver: boolean;
}

/** How often a follower that has everything is considered again: a broker that starts may have thousands of them. */
const SEEK_EVERY_MS = 250;
const NOTHING: readonly Buffer[] = [];
const NOTHING_TO_RELEASE = (): void => {};

export class FollowerSession {
  readonly id: number;
  /** What the next incremental request must carry. */
  nextEpoch = 1;
  readonly followerId: number;
  readonly brokerEpoch: number;
  private readonly host: FollowerSessionHost;
  private readonly contact: FollowerContact = { lastFetchMs: Number.NEGATIVE_INFINITY };
  private readonly entries = new Map<string, Entry>();
  /** In the order in which they are served; who got records goes to the end. */
  private readonly ready = new Set<Entry>();
  /** Partitions in whose in-sync set the follower is not: a fetch is an occasion to take it in. */
  private readonly outOfSync = new Set<Entry>();
  private nextSeekMs = Number.NEGATIVE_INFINITY;
  private operation: Operation | undefined;
  private isReading = false;
  private isCheckPlanned = false;

  constructor(options: {
    readonly id: number;
    readonly followerId: number;
    readonly brokerEpoch: number;
    readonly host: FollowerSessionHost;
  }) {
    this.id = options.id;
    this.followerId = options.followerId;
    this.brokerEpoch = options.brokerEpoch;
    this.host = options.host;
  }

  get size(): number {
    return this.entries.size;
  }

  /**
   * One request of the session. A fetch that is still parked is answered first with what there is: the follower sends a
   * second one beside it when it has to fetch another partition and must not wait.
   */
  fetch(
    request: {
      readonly partitions: readonly FetchPartition[];
      readonly forgotten: readonly { readonly topicId: string; readonly partition: number }[];
      readonly limits: FollowerFetchLimits;
    },
    done: (answers: readonly FollowerAnswer[]) => void,
  ): () => void {
    this.endParked();
    this.contact.lastFetchMs = this.host.clock.monotonicMs();
    for (const forgotten of request.forgotten) this.forget(keyOf(forgotten));
    for (const partition of request.partitions) this.update(partition);
    this.seekEntry();
    const operation: Operation = { limits: request.limits, done, timer: undefined, isTimeUp: false, isOver: false };
    this.operation = operation;
    if (!this.isReading) this.attempt(operation);
    return () => {
      this.endOperation(operation);
    };
  }

  close(): void {
    this.endParked();
    for (const key of [...this.entries.keys()]) this.forget(key);
  }

  private endParked(): void {
    const { operation } = this;
    if (operation === undefined) return;
    this.endOperation(operation);
    operation.done([]);
  }

  private endOperation(operation: Operation): void {
    operation.isOver = true;
    operation.timer?.cancel();
    if (this.operation === operation) this.operation = undefined;
  }

  private forget(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    entry.stopListening();
    this.entries.delete(key);
    this.ready.delete(entry);
    this.outOfSync.delete(entry);
  }

  /**
   * Requests do not mention a follower that has everything, yet it may only now be eligible: its broker was unfenced,
   * or the controller refused it before.
   */
  private seekEntry(): void {
    const nowMs = this.contact.lastFetchMs;
    if (nowMs < this.nextSeekMs) return;
    this.nextSeekMs = nowMs + SEEK_EVERY_MS;
    for (const entry of this.outOfSync) {
      const { replica } = entry;
      if (replica === undefined || !replica.isLeader || replica.inSyncReplicas.includes(this.followerId)) {
        this.outOfSync.delete(entry);
      } else replica.considerExpansion(this.followerId);
    }
  }

  private update(request: FetchPartition): void {
    const key = keyOf(request);
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = {
        request,
        replica: undefined,
        stopListening: NOTHING_TO_RELEASE,
        hasNews: true,
        toldHighWatermark: -1,
        toldLogStart: -1,
      };
      this.entries.set(key, entry);
    }
    entry.request = request;
    // Whatever it was told for another request may not have counted.
    entry.toldHighWatermark = -1;
    this.resolve(entry);
    this.ready.add(entry);
    const { replica } = entry;
    if (replica === undefined || this.errorOf(entry) !== ErrorCode.NONE) return;
    const { fetchOffset: offset, logStartOffset } = request;
    if (offset < replica.logStartOffset || offset > replica.logEndOffset) return;
    // Only a follower whose history is ours acknowledges anything by its offset.
    if (replica.findDivergence(request) !== undefined) return;
    const { contact, brokerEpoch } = this;
    replica.followerFetched(this.followerId, { contact, offset, logStartOffset, brokerEpoch });
  }

  /** Finds the replica, which may be another one than last time, and listens to it. */
  private resolve(entry: Entry): number {
    const found = this.host.find(entry.request.topicId, entry.request.partition);
    const replica = typeof found === 'number' ? undefined : found;
    if (replica !== entry.replica) {
      entry.stopListening();
      entry.replica = replica;
      entry.stopListening =
        replica?.onNewsForFollowers((isWorthAnswer) => this.heard(entry, isWorthAnswer)) ?? NOTHING_TO_RELEASE;
    }
    return typeof found === 'number' ? found : ErrorCode.NONE;
  }

  private errorOf(entry: Entry): number {
    const errorCode = this.resolve(entry);
    if (entry.replica === undefined) return errorCode;
    return entry.replica.checkFollower(this.followerId, this.brokerEpoch, entry.request.currentLeaderEpoch);
  }

  private heard(entry: Entry, isWorthAnswer: boolean): void {
    entry.hasNews = true;
    this.ready.add(entry);
    if (!isWorthAnswer || this.operation === undefined || this.isCheckPlanned) return;
    this.isCheckPlanned = true;
    // Many partitions may move in one turn; one look at its end serves them all.
    this.host.clock.endOfTurn(() => {
      this.isCheckPlanned = false;
      if (this.operation !== undefined && !this.isReading) this.attempt(this.operation);
    });
  }

  private attempt(operation: Operation): void {
    this.isReading = true;
    const answers = new Map<Entry, FollowerAnswer>();
    const reading = this.readFrom(
      [...this.ready],
      { at: 0, left: operation.limits.maxBytes },
      operation.limits,
      answers,
    );
    if (reading === undefined) this.finishAttempt(operation, answers);
    else {
      reading.then(
        () => this.finishAttempt(operation, answers),
        (error: unknown) => {
          this.host.log.error({ err: error }, 'a follower fetch could not read from disk');
          this.finishAttempt(operation, answers);
        },
      );
    }
  }

  /** Reads in order within the budget. Undefined when all came from memory, a promise otherwise. */
  private readFrom(
    entries: readonly Entry[],
    from: { readonly at: number; readonly left: number },
    limits: FollowerFetchLimits,
    answers: Map<Entry, FollowerAnswer>,
  ): Promise<void> | undefined {
    let { left } = from;
    for (let i = from.at; i < entries.length && left > 0; i++) {
      const entry = entries[i] as Entry;
      const next = i + 1;
      const budget = left;
      const found = this.look(entry, budget, budget === limits.maxBytes);
      if (found instanceof Promise) {
        return found.then(
          (answer) => {
            answers.set(entry, answer);
            return this.readFrom(entries, { at: next, left: budget - answer.sizeBytes }, limits, answers);
          },
          (error: unknown) => {
            // A disk that does not answer is one partition's trouble.
            this.host.log.error({ err: error, ...nameOf(entry) }, 'a follower fetch could not read from disk');
            answers.set(entry, failure(entry, ErrorCode.KAFKA_STORAGE_ERROR));
            return this.readFrom(entries, { at: next, left: budget }, limits, answers);
          },
        );
      }
      answers.set(entry, found);
      left -= found.sizeBytes;
    }
    return undefined;
  }

  private look(entry: Entry, left: number, isFirst: boolean): FollowerAnswer | Promise<FollowerAnswer> {
    entry.hasNews = false;
    const errorCode = this.errorOf(entry);
    const { replica, request } = entry;
    if (replica === undefined || errorCode !== ErrorCode.NONE) return failure(entry, errorCode);
    if (request.fetchOffset < replica.logStartOffset) return failure(entry, ErrorCode.OFFSET_OUT_OF_RANGE);
    if (!replica.inSyncReplicas.includes(this.followerId)) this.outOfSync.add(entry);
    const diverging = replica.findDivergence(request);
    if (diverging === 'unknown epoch') return failure(entry, ErrorCode.OFFSET_OUT_OF_RANGE);
    if (diverging !== undefined) return { ...offsetsOf(entry, replica), divergingEpoch: diverging };
    const result = replica.read({
      offset: request.fetchOffset,
      maxBytes: this.host.isHeldBack(replica, this.followerId) ? 0 : Math.min(request.partitionMaxBytes, left),
      isolation: 'logEnd',
      minOneBatch: isFirst && !this.host.isHeldBack(replica, this.followerId),
    });
    return result instanceof Promise
      ? result.then((late) => toAnswer(entry, replica, late))
      : toAnswer(entry, replica, result);
  }

  private finishAttempt(operation: Operation, answers: ReadonlyMap<Entry, FollowerAnswer>): void {
    this.isReading = false;
    if (operation.isOver) {
      for (const answer of answers.values()) answer.release();
      // A newer request came while this one read from disk.
      if (this.operation !== undefined) this.attempt(this.operation);
      return;
    }
    let bytes = 0;
    let mustAnswer = operation.isTimeUp || operation.limits.maxWaitMs <= 0;
    for (const answer of answers.values()) {
      bytes += answer.sizeBytes;
      if (answer.errorCode !== ErrorCode.NONE || answer.divergingEpoch !== undefined) mustAnswer = true;
    }
    if (mustAnswer || bytes >= operation.limits.minBytes) {
      this.answer(operation, answers);
      return;
    }
    for (const answer of answers.values()) answer.release();
    this.park(operation);
    for (const entry of answers.keys()) {
      // It moved while another partition was read from disk.
      if (entry.hasNews && entry.replica !== undefined && entry.replica.logEndOffset > entry.request.fetchOffset) {
        this.heard(entry, true);
        return;
      }
    }
  }

  private park(operation: Operation): void {
    operation.timer ??= this.host.clock.after(operation.limits.maxWaitMs, () => {
      operation.isTimeUp = true;
      if (!operation.isOver && !this.isReading) this.attempt(operation);
    });
  }

  private answer(operation: Operation, answers: ReadonlyMap<Entry, FollowerAnswer>): void {
    const told: FollowerAnswer[] = [];
    for (const [entry, answer] of answers) {
      // The watermark may have moved while other partitions were read; the freshest is the best.
      const isPlain = answer.errorCode === ErrorCode.NONE && answer.divergingEpoch === undefined;
      const isNew =
        !isPlain ||
        answer.sizeBytes > 0 ||
        answer.highWatermark !== entry.toldHighWatermark ||
        answer.logStartOffset !== entry.toldLogStart;
      // What got an error, or has records that the follower did not ask beyond yet, is looked at again whatever the
      // follower makes of it; if it does not come back with another offset it wants the same again. Only who got
      // records goes to the end of the line: a batch that did not fit beside others comes first in the end, and whole.
      const hasMore = answer.replica !== undefined && answer.replica.logEndOffset > answer.partition.fetchOffset;
      const staysReady = !isPlain || hasMore || entry.hasNews;
      if (answer.sizeBytes > 0 || !staysReady) this.ready.delete(entry);
      if (staysReady) this.ready.add(entry);
      if (!isNew) {
        answer.release();
        continue;
      }
      entry.toldHighWatermark = isPlain ? answer.highWatermark : -1;
      entry.toldLogStart = answer.logStartOffset;
      if (answer.replica !== undefined && answer.sizeBytes > 0) {
        this.host.sent(answer.replica, this.followerId, answer.sizeBytes);
      }
      told.push(answer);
    }
    this.endOperation(operation);
    operation.done(told);
  }
}

function keyOf(partition: { readonly topicId: string; readonly partition: number }): string {
  return `${partition.topicId}/${partition.partition}`;
}

function nameOf({ request: { topicId, partition } }: Entry): { topicId: string; partition: number } {
  return { topicId, partition };
}

function failure({ request }: Entry, errorCode: number): FollowerAnswer {
  return {
    partition: request,
    replica: undefined,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    records: NOTHING,
    sizeBytes: 0,
    release: NOTHING_TO_RELEASE,
  };
}

function offsetsOf({ request }: Entry, replica: Replica): FollowerAnswer {
  return {
    partition: request,
    replica,
    errorCode: ErrorCode.NONE,
    highWatermark: replica.highWatermark,
    lastStableOffset: replica.lastStableOffset,
    logStartOffset: replica.logStartOffset,
    records: NOTHING,
    sizeBytes: 0,
    release: NOTHING_TO_RELEASE,
  };
}

function toAnswer(entry: Entry, replica: Replica, result: ReadResult): FollowerAnswer {
  if (result.isOutOfRange) return failure(entry, ErrorCode.OFFSET_OUT_OF_RANGE);
  const { chunks: records, sizeBytes } = result;
  return { ...offsetsOf(entry, replica), records, sizeBytes, release: () => result.release() };
}
