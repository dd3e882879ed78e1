/**
 * One fetch from its first read to its answer: reads what is there and, when that is less than the client wants, parks
 * until more comes, something changes, or the time is up.
 */
import type { ReadResult } from '../log/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { FetchPartition, ReadIsolation, Replica } from '../replication/mod.ts';
import type { Broker } from './broker.ts';

export interface PartitionAnswer {
  readonly partition: FetchPartition;
  readonly topicName: string | undefined;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number };
  readonly preferredReadReplica?: number;
  readonly abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[] | null;
  readonly records: readonly Buffer[];
  readonly sizeBytes: number;
  readonly release: () => void;
}

export interface FetchLimits {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolation: ReadIsolation;
  /** Whether a client calls itself a replica: followers fetch on the control listener, and differently. */
  readonly isForeignReplica: boolean;
  /** Whether a follower may serve the client (KIP-392): it must be new enough to know that there are such. */
  readonly mayReadFromFollower: boolean;
  /** The client's rack, or empty. */
  readonly clientRack: string;
}

/** A partition that the fetch may read, or the error that stands for it. */
interface Source {
  readonly partition: FetchPartition;
  readonly topicName: string | undefined;
  readonly replica: Replica | undefined;
  readonly errorCode: number;
}

/** Errors beside which Kafka's list of aborted transactions is empty, not null. */
const UNKNOWN: ReadonlySet<number> = new Set([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID]);
const NOTHING: readonly Buffer[] = [];
const nothingToRelease = (): void => {};

export class FetchOperation {
  private readonly broker: Broker;
  private readonly limits: FetchLimits;
  private sources: readonly Source[];
  private readonly usesTopicIds: boolean;
  private readonly done: (answers: readonly PartitionAnswer[]) => void;
  private readonly cleanups: (() => void)[] = [];
  /** Where each partition's readable end was when it was read last. */
  private readonly ends = new Map<Source, number>();
  private isReading = false;
  private isStale = false;
  private isTimeUp = false;
  private isDone = false;
  private isCheckPlanned = false;

  constructor(options: {
    readonly broker: Broker;
    readonly limits: FetchLimits;
    readonly partitions: readonly FetchPartition[];
    readonly usesTopicIds: boolean;
    readonly done: (answers: readonly PartitionAnswer[]) => void;
  }) {
    this.broker = options.broker;
    this.limits = options.limits;
    this.done = options.done;
    this.usesTopicIds = options.usesTopicIds;
    this.sources = options.partitions.map((partition) => this.resolve(partition));
  }

  private resolve(partition: FetchPartition): Source {
    const topicName = this.usesTopicIds ? this.broker.topicName(partition.topicId) : partition.topic;
    const failed = (errorCode: number): Source => ({ partition, topicName, replica: undefined, errorCode });
    if (topicName === undefined) return failed(ErrorCode.UNKNOWN_TOPIC_ID);
    const found = this.broker.replicas.replicaOf(topicName, partition.partition);
    if (typeof found === 'number') return failed(found);
    const errorCode = this.errorOf(found, partition);
    if (errorCode !== ErrorCode.NONE) return failed(errorCode);
    return { partition, topicName, replica: found, errorCode };
  }

  private errorOf(replica: Replica, { currentLeaderEpoch }: FetchPartition): number {
    if (this.limits.isForeignReplica) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    return this.limits.mayReadFromFollower
      ? replica.compareEpoch(currentLeaderEpoch)
      : replica.checkEpoch(currentLeaderEpoch);
  }

  private isLost({ replica, partition }: Source): boolean {
    return replica !== undefined && this.errorOf(replica, partition) !== ErrorCode.NONE;
  }

  start(): void {
    this.attempt();
  }

  /** The client is gone. */
  cancel(): void {
    if (this.isDone) return;
    this.isDone = true;
    for (const cleanup of this.cleanups.splice(0)) cleanup();
  }

  private attempt(): void {
    this.isReading = true;
    this.isStale = false;
    // A replica may have lost its leadership, or its topic, while the fetch was parked: the error is then the answer.
    this.sources = this.sources.map((source) => (this.isLost(source) ? this.resolve(source.partition) : source));
    const answers: PartitionAnswer[] = [];
    const read = this.readFrom(0, this.limits.maxBytes, answers);
    if (read === undefined) this.finishAttempt(answers);
    else {
      read.then(
        () => this.finishAttempt(answers),
        (error: unknown) => {
          // A disk that does not answer is one partition's trouble; those already read must not be held for it.
          this.broker.runtime.log.error({ err: error }, 'fetch could not read from disk');
          for (const answer of answers) answer.release();
          this.finish(this.sources.map((source) => failure(source, ErrorCode.KAFKA_STORAGE_ERROR)));
        },
      );
    }
  }

  /** Reads partitions in order within the budget. Undefined when all came from memory, a promise otherwise. */
  private readFrom(first: number, budget: number, answers: PartitionAnswer[]): Promise<void> | undefined {
    let left = budget;
    for (let i = first; i < this.sources.length; i++) {
      const source = this.sources[i] as Source;
      const result = this.readOne(source, left, left === this.limits.maxBytes);
      if (result instanceof Promise) {
        return result.then((late) => {
          const answer = this.toAnswer(source, late);
          answers.push(answer);
          return this.readFrom(i + 1, left - answer.sizeBytes, answers);
        });
      }
      const answer = result === undefined ? failure(source, source.errorCode) : this.toAnswer(source, result);
      answers.push(answer);
      left -= answer.sizeBytes;
    }
    return undefined;
  }

  private readOne(
    { partition, replica }: Source,
    left: number,
    isFirst: boolean,
  ): ReadResult | Promise<ReadResult> | undefined {
    if (replica === undefined) return undefined;
    if (left <= 0 && !isFirst) {
      return replica.read({
        offset: partition.fetchOffset,
        maxBytes: 0,
        isolation: this.limits.isolation,
        minOneBatch: false,
      });
    }
    return replica.read({
      offset: partition.fetchOffset,
      maxBytes: Math.min(Math.max(partition.partitionMaxBytes, 0), Math.max(left, 0)),
      isolation: this.limits.isolation,
      minOneBatch: isFirst,
    });
  }

  private toAnswer(source: Source, result: ReadResult): PartitionAnswer {
    const { partition, topicName } = source;
    const replica = source.replica as Replica;
    this.ends.set(source, replica.readableEnd(this.limits.isolation));
    const divergence = replica.findDivergence(partition);
    if (divergence !== undefined) {
      result.release();
      return divergence === 'unknown epoch'
        ? failure(source, ErrorCode.OFFSET_OUT_OF_RANGE)
        : { ...failure(source, ErrorCode.NONE, replica), divergingEpoch: divergence };
    }
    if (result.isOutOfRange) return failure(source, ErrorCode.OFFSET_OUT_OF_RANGE);
    const preferred = replica.preferredReadReplica(this.limits.clientRack, partition.fetchOffset);
    if (preferred !== undefined) {
      result.release();
      return { ...failure(source, ErrorCode.NONE, replica), preferredReadReplica: preferred };
    }
    return {
      partition,
      topicName,
      errorCode: ErrorCode.NONE,
      highWatermark: replica.highWatermark,
      lastStableOffset: replica.lastStableOffset,
      logStartOffset: replica.logStartOffset,
      abortedTransactions:
        this.limits.isolation === 'committed'
          ? replica.log.abortedTransactions(partition.fetchOffset, replica.lastStableOffset)
          : null,
      records: result.chunks,
      sizeBytes: result.sizeBytes,
      release: () => result.release(),
    };
  }

  private finishAttempt(answers: readonly PartitionAnswer[]): void {
    this.isReading = false;
    if (this.isDone) {
      for (const answer of answers) answer.release();
      return;
    }
    let bytes = 0;
    let mustAnswer = this.isTimeUp || this.limits.maxWaitMs <= 0 || answers.length === 0;
    for (const answer of answers) {
      bytes += answer.sizeBytes;
      if (answer.errorCode !== ErrorCode.NONE || mustBeSent(answer)) mustAnswer = true;
    }
    if (mustAnswer || bytes >= this.limits.minBytes) {
      this.finish(answers);
      return;
    }
    for (const answer of answers) answer.release();
    this.park();
    if (this.isStale || this.hasMoved()) this.attempt();
  }

  private finish(answers: readonly PartitionAnswer[]): void {
    if (this.isDone) return;
    this.cancel();
    this.done(answers);
  }

  private park(): void {
    if (this.cleanups.length > 0) return;
    const timer = this.broker.runtime.clock.after(this.limits.maxWaitMs, () => {
      this.isTimeUp = true;
      if (!this.isReading) this.attempt();
    });
    this.cleanups.push(() => timer.cancel());
    for (const { replica } of this.sources) {
      if (replica !== undefined) this.cleanups.push(replica.onProgress(() => this.planCheck()));
    }
  }

  /** Many partitions may move in one turn; one look at its end serves them all. */
  private planCheck(): void {
    this.isStale = true;
    if (this.isCheckPlanned || this.isDone) return;
    this.isCheckPlanned = true;
    this.broker.runtime.clock.endOfTurn(() => {
      this.isCheckPlanned = false;
      if (!this.isDone && !this.isReading && this.hasMoved()) this.attempt();
    });
  }

  private hasMoved(): boolean {
    for (const source of this.sources) {
      const { replica, partition } = source;
      if (replica === undefined) continue;
      if (this.isLost(source)) return true;
      if (replica.readableEnd(this.limits.isolation) !== this.ends.get(source)) return true;
      if (replica.logStartOffset > partition.fetchOffset) return true;
    }
    return false;
  }
}

/** The client is told at once where its history ends, or where to read instead. */
export function mustBeSent(answer: PartitionAnswer): boolean {
  return answer.divergingEpoch !== undefined || answer.preferredReadReplica !== undefined;
}

function failure(source: Source, errorCode: number, replica?: Replica): PartitionAnswer {
  const isUnknown = replica === undefined;
  return {
    partition: source.partition,
    topicName: source.topicName,
    errorCode,
    highWatermark: isUnknown ? -1 : replica.highWatermark,
    lastStableOffset: isUnknown ? -1 : replica.lastStableOffset,
    logStartOffset: isUnknown ? -1 : replica.logStartOffset,
    abortedTransactions: UNKNOWN.has(errorCode) ? [] : null,
    records: NOTHING,
    sizeBytes: 0,
    release: nothingToRelease,
  };
}
