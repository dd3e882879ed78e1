/**
 * A follower's side of a fetch session (KIP-227): which partitions a request must speak of, and to which request an
 * answer belongs.
 *
 * The leader remembers what it was asked, so a request names only partitions whose offset moved, and those to forget.
 * Two requests may be under way at a time; an answer speaks of a partition as it was last asked for in that request or
 * an earlier one, and one that was asked for anew since is not meant by it.
 */
import type { FetchRequestInit, FetchRequestTopicsInit } from '../protocol/generated/fetch-request.ts';

/** What a session knows of a partition. */
export interface Fetchable {
  readonly topicId: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly offset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

interface Asked {
  offset: number;
  request: number;
}

type SessionFields = Pick<FetchRequestInit, 'sessionId' | 'sessionEpoch' | 'topics' | 'forgottenTopicsData'>;

const NO_SESSION = 0;
const FULL = 0;
const EPOCH_MAX = 0x7fffffff;

export class FetchRequests<Partition extends Fetchable> {
  private readonly partitionMaxBytes: number;
  private sessionId = NO_SESSION;
  private epoch = FULL;
  /** Requests that were made, to number them; and which of them is to open the session. */
  private made = 0;
  private opening = 0;
  private readonly wanted = new Set<Partition>();
  private readonly asked = new Map<Partition, Asked>();
  /** Wanted, and not asked for since it last changed. */
  private readonly changed = new Set<Partition>();
  private readonly forgotten = new Set<Partition>();

  constructor(options: { readonly partitionMaxBytes: number }) {
    this.partitionMaxBytes = options.partitionMaxBytes;
  }

  get isEmpty(): boolean {
    return this.wanted.size === 0;
  }

  get hasNews(): boolean {
    return this.changed.size > 0;
  }

  get isOpen(): boolean {
    return this.epoch !== FULL;
  }

  /** The partition shall be fetched from where it stands now. */
  want(partition: Partition): void {
    this.wanted.add(partition);
    this.changed.add(partition);
    this.forgotten.delete(partition);
  }

  /** The partition shall not be fetched, for now or for good. */
  drop(partition: Partition): void {
    this.wanted.delete(partition);
    this.changed.delete(partition);
    if (this.asked.delete(partition)) this.forgotten.add(partition);
  }

  /** The leader knows nothing of us: the next request says everything. */
  restart(): void {
    this.sessionId = NO_SESSION;
    this.epoch = FULL;
    this.opening = 0;
    this.asked.clear();
    this.forgotten.clear();
    for (const partition of this.wanted) this.changed.add(partition);
  }

  /** The session's part of the next request, and the request's number. */
  next(): { readonly number: number; readonly fields: SessionFields } {
    const number = ++this.made;
    const topics = new Map<string, FetchRequestTopicsInit['partitions'][number][]>();
    for (const partition of this.changed) {
      this.asked.set(partition, { offset: partition.offset, request: number });
      let partitions = topics.get(partition.topicId);
      if (partitions === undefined) {
        partitions = [];
        topics.set(partition.topicId, partitions);
      }
      partitions.push({
        partition: partition.partition,
        currentLeaderEpoch: partition.leaderEpoch,
        fetchOffset: partition.offset,
        lastFetchedEpoch: partition.lastFetchedEpoch,
        logStartOffset: partition.logStartOffset,
        partitionMaxBytes: this.partitionMaxBytes,
      });
    }
    const fields: SessionFields = {
      sessionId: this.sessionId,
      sessionEpoch: this.epoch,
      topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
      forgottenTopicsData: this.takeForgotten(),
    };
    this.changed.clear();
    if (this.epoch === FULL) this.opening = number;
    else this.epoch = this.epoch === EPOCH_MAX ? 1 : this.epoch + 1;
    return { number, fields };
  }

  private takeForgotten(): { readonly topicId: string; readonly partitions: readonly number[] }[] {
    const asked = new Set<string>();
    for (const { topicId, partition } of this.changed) asked.add(`${topicId}/${partition}`);
    const topics = new Map<string, number[]>();
    for (const { topicId, partition } of this.forgotten) {
      // Followed anew under another leader epoch: the same request asks for it.
      if (asked.has(`${topicId}/${partition}`)) continue;
      const partitions = topics.get(topicId);
      if (partitions === undefined) topics.set(topicId, [partition]);
      else partitions.push(partition);
    }
    this.forgotten.clear();
    return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }));
  }

  /** An answer came; that to a full request names the session, if the leader opened one. */
  answered(number: number, sessionId: number): void {
    if (number !== this.opening || this.epoch !== FULL) return;
    this.sessionId = sessionId;
    this.epoch = sessionId === NO_SESSION ? FULL : 1;
    if (sessionId === NO_SESSION) for (const partition of this.wanted) this.changed.add(partition);
  }

  /** Whether the answer to request `number` speaks of the partition as it stands now. */
  isMeant(partition: Partition, number: number): boolean {
    const asked = this.asked.get(partition);
    return asked !== undefined && asked.request <= number && asked.offset === partition.offset;
  }
}
