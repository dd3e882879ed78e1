/**
 * Incremental fetch sessions (KIP-227): the broker remembers which partitions a fetcher wants, and what it told it
 * last, so that requests and responses carry only what changed.
 *
 * A session is an optimisation that may be refused or evicted at any time; the client then asks in full again.
 */
import { ErrorCode } from '../protocol/mod.ts';
import type { Clock, Random } from '../std/mod.ts';

/** A session unused for longer than this may be evicted for another. */
const EVICTABLE_AFTER_MS = 120_000;
const EPOCH_MAX = 0x7fffffff;
/** Epoch of a full fetch that opens a session. */
const INITIAL_EPOCH = 0;
/** Epoch of a full fetch that wants no session, and closes the one it names. */
const FINAL_EPOCH = -1;

export interface FetchPartition {
  /** Name and id as the client gave them: below version 13 the name, from then on the id. */
  topic: string;
  topicId: string;
  partition: number;
  fetchOffset: number;
  partitionMaxBytes: number;
  currentLeaderEpoch: number;
  lastFetchedEpoch: number;
  logStartOffset: number;
}

/** The parts of a partition's answer that decide whether an incremental response mentions it. */
export interface FetchedPartition {
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly sizeBytes: number;
  readonly mustBeSent: boolean;
}

interface SessionPartition {
  request: FetchPartition;
  highWatermark: number;
  logStartOffset: number;
}

interface Session {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly partitions: Map<string, SessionPartition>;
  epoch: number;
  lastUsedMs: number;
}

export interface FetchSessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly usesTopicIds: boolean;
  readonly partitions: readonly FetchPartition[];
  readonly forgotten: readonly { readonly topic: string; readonly topicId: string; readonly partition: number }[];
}

/** What one fetch request comes to: the partitions to read, and which answers to send. */
export class FetchContext {
  readonly errorCode: number;
  readonly partitions: readonly FetchPartition[];
  private readonly session: Session | undefined;
  private readonly isIncremental: boolean;
  private readonly create: ((partitions: readonly FetchPartition[]) => Session | undefined) | undefined;

  constructor(options: {
    readonly errorCode?: number;
    readonly partitions?: readonly FetchPartition[];
    readonly session?: Session | undefined;
    readonly create?: (partitions: readonly FetchPartition[]) => Session | undefined;
  }) {
    this.errorCode = options.errorCode ?? ErrorCode.NONE;
    this.partitions = options.partitions ?? [];
    this.session = options.session;
    this.isIncremental = options.session !== undefined;
    this.create = options.create;
  }

  /** Whether the response must mention the partition; remembers what it says. */
  includes(partition: FetchPartition, fetched: FetchedPartition): boolean {
    if (!this.isIncremental) return true;
    const known = this.session?.partitions.get(keyOf(partition));
    if (known === undefined) return true;
    const hasChanged =
      fetched.sizeBytes > 0 ||
      fetched.mustBeSent ||
      fetched.errorCode !== ErrorCode.NONE ||
      fetched.highWatermark !== known.highWatermark ||
      fetched.logStartOffset !== known.logStartOffset;
    remember(known, fetched);
    // A partition that just got data goes to the end of the line, so that the first ones cannot starve the others.
    if (fetched.sizeBytes > 0 && this.session !== undefined) {
      this.session.partitions.delete(keyOf(partition));
      this.session.partitions.set(keyOf(partition), known);
    }
    return hasChanged;
  }

  /** The session id of the response; a full fetch opens its session here, when its answers are known. */
  finish(answers: readonly (readonly [FetchPartition, FetchedPartition])[]): number {
    if (this.session !== undefined) return this.session.id;
    const session = this.create?.(this.partitions);
    if (session === undefined) return 0;
    for (const [partition, fetched] of answers) {
      const known = session.partitions.get(keyOf(partition));
      if (known !== undefined) remember(known, fetched);
    }
    return session.id;
  }
}

/** After an error the partition is sent again with the next answer, whatever it is. */
function remember(known: SessionPartition, fetched: FetchedPartition): void {
  known.highWatermark = fetched.errorCode === ErrorCode.NONE ? fetched.highWatermark : -1;
  known.logStartOffset = fetched.logStartOffset;
}

function keyOf(partition: { readonly topic: string; readonly topicId: string; readonly partition: number }): string {
  return `${partition.topic}/${partition.topicId}/${partition.partition}`;
}

export class FetchSessions {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly slots: number;
  /** In order of use, the oldest first. */
  private readonly sessions = new Map<number, Session>();

  constructor(options: { readonly clock: Clock; readonly random: Random; readonly slots: number }) {
    this.clock = options.clock;
    this.random = options.random;
    this.slots = options.slots;
  }

  get size(): number {
    return this.sessions.size;
  }

  open(request: FetchSessionRequest): FetchContext {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      this.sessions.delete(sessionId);
      const wantsSession = sessionEpoch === INITIAL_EPOCH && request.partitions.length > 0;
      return new FetchContext({
        partitions: request.partitions,
        ...(wantsSession ? { create: (partitions) => this.create(partitions, request.usesTopicIds) } : {}),
      });
    }
    const session = this.sessions.get(sessionId);
    if (session === undefined) return new FetchContext({ errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND });
    if (session.epoch !== sessionEpoch) return new FetchContext({ errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH });
    if (session.usesTopicIds !== request.usesTopicIds) {
      return new FetchContext({ errorCode: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR });
    }
    this.update(session, request);
    return new FetchContext({ partitions: [...session.partitions.values()].map(({ request: r }) => r), session });
  }

  private update(session: Session, request: FetchSessionRequest): void {
    for (const partition of request.partitions) {
      const known = session.partitions.get(keyOf(partition));
      if (known === undefined) session.partitions.set(keyOf(partition), unknownPartition(partition));
      else known.request = partition;
    }
    for (const forgotten of request.forgotten) session.partitions.delete(keyOf(forgotten));
    session.epoch = nextEpoch(session.epoch);
    session.lastUsedMs = this.clock.monotonicMs();
    this.sessions.delete(session.id);
    this.sessions.set(session.id, session);
  }

  private create(partitions: readonly FetchPartition[], usesTopicIds: boolean): Session | undefined {
    if (this.sessions.size >= this.slots && !this.evictOne()) return undefined;
    const session: Session = {
      id: this.newId(),
      usesTopicIds,
      partitions: new Map(partitions.map((partition) => [keyOf(partition), unknownPartition(partition)])),
      epoch: nextEpoch(INITIAL_EPOCH),
      lastUsedMs: this.clock.monotonicMs(),
    };
    this.sessions.set(session.id, session);
    return session;
  }

  private evictOne(): boolean {
    const oldest = this.sessions.values().next().value;
    if (oldest === undefined || this.clock.monotonicMs() - oldest.lastUsedMs < EVICTABLE_AFTER_MS) return false;
    this.sessions.delete(oldest.id);
    return true;
  }

  private newId(): number {
    for (;;) {
      const id = this.random.uint32() & 0x7fffffff;
      if (id !== 0 && !this.sessions.has(id)) return id;
    }
  }
}

function unknownPartition(request: FetchPartition): SessionPartition {
  return { request, highWatermark: -1, logStartOffset: -1 };
}

function nextEpoch(epoch: number): number {
  return epoch === EPOCH_MAX ? 1 : epoch + 1;
}
