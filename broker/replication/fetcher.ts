/**
 * Follows one source broker: fetches all partitions that it leads and we replicate, in one session over one connection.
 *
 *   preparing ──position known──▶ fetching ──diverging, out of range──▶ repairing ──▶ fetching
 *                                   │  ▲
 *                              error│  │ after a pause
 *                                   ▼  │
 *                                 waiting
 *
 * One answer at a time is worked off, and the next request leaves when all of it is written (and synced, where a topic
 * asks for that), for by its offsets the leader counts records as replicated. A partition that joins meanwhile does not
 * wait for the parked request: a second one is sent beside it, upon which the leader answers the first.
 */
import type { EpochEndOffset } from '../log/mod.ts';
import { defineCall, type KafkaConnection } from '../protocol/connection/mod.ts';
import { writeFetchRequest } from '../protocol/generated/fetch-request.ts';
import {
  type FetchResponse,
  type FetchResponseResponsesPartitions,
  readFetchResponse,
} from '../protocol/generated/fetch-response.ts';
import { writeListOffsetsRequest } from '../protocol/generated/list-offsets-request.ts';
import { readListOffsetsResponse } from '../protocol/generated/list-offsets-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { BrokerError, type Runtime, type Timer } from '../std/mod.ts';
import { nextBackoffMs } from './backoff.ts';
import type { ReplicationCounters } from './counters.ts';
import { FetchRequests } from './fetch-requests.ts';
import type { Cluster } from './peers.ts';
import type { Replica } from './replica.ts';
import type { ReplicationConfig } from './replication-config.ts';
import type { ReplicationThrottle } from './throttle.ts';
import { repairRange } from './truncation.ts';

/** Fetch requests under way at a time: the parked one, and one that overtakes it. */
export const REQUESTS_IN_FLIGHT_MAX = 2;
const FETCH_VERSION = 17;
const LIST_OFFSETS_VERSION = 10;
const LATEST = -1;
const EARLIEST_LOCAL = -4;
const THROTTLED_PAUSE_MS = 100;

const fetchCall = defineCall(1, writeFetchRequest, readFetchResponse);
const listOffsetsCall = defineCall(2, writeListOffsetsRequest, readListOffsetsResponse);

/** Errors upon which the session is opened anew. */
const SESSION_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
]);

export interface FetcherContext {
  readonly nodeId: number;
  readonly runtime: Runtime;
  readonly config: ReplicationConfig;
  readonly cluster: Cluster;
  readonly counters: ReplicationCounters;
  readonly throttle: ReplicationThrottle;
  readonly isThrottled: (replica: Replica) => boolean;
}

/** One partition as this fetcher follows it, under one leader epoch. */
class Followed {
  readonly replica: Replica;
  readonly leaderEpoch: number;
  offset = -1;
  lastFetchedEpoch = -1;
  /** Records behind the leader's high watermark; unknown before the first answer. */
  lag: number | undefined;
  failures = 0;
  isFollowed = true;
  timer: Timer | undefined;

  constructor(replica: Replica) {
    this.replica = replica;
    this.leaderEpoch = replica.leaderEpoch;
  }

  get topicId(): string {
    return this.replica.topicId;
  }

  get partition(): number {
    return this.replica.partition;
  }

  get logStartOffset(): number {
    return this.replica.logStartOffset;
  }
}

export class Fetcher {
  readonly sourceId: number;
  private readonly context: FetcherContext;
  private readonly followed = new Map<string, Followed>();
  private readonly requests: FetchRequests<Followed>;
  private connection: KafkaConnection | undefined;
  private isClosed = false;
  private failures = 0;
  private wake: () => void = () => {};
  private endPause: () => void = () => {};
  private news: Promise<void> | undefined;

  constructor(sourceId: number, context: FetcherContext) {
    this.sourceId = sourceId;
    this.context = context;
    this.requests = new FetchRequests({ partitionMaxBytes: context.config.fetchMaxBytes });
    void this.run();
  }

  get size(): number {
    return this.followed.size;
  }

  get maxLag(): number {
    let max = 0;
    for (const { lag } of this.followed.values()) if (lag !== undefined && lag > max) max = lag;
    return max;
  }

  follow(replica: Replica): void {
    this.unfollow(replica);
    const followed = new Followed(replica);
    this.followed.set(keyOf(replica), followed);
    void this.reposition(followed);
  }

  unfollow(replica: Replica): void {
    const followed = this.followed.get(keyOf(replica));
    if (followed === undefined) return;
    this.followed.delete(keyOf(replica));
    followed.isFollowed = false;
    followed.timer?.cancel();
    this.requests.drop(followed);
  }

  close(): void {
    this.isClosed = true;
    for (const { replica } of [...this.followed.values()]) this.unfollow(replica);
    this.connection?.close();
    this.wake();
    this.endPause();
  }

  /** Goes on from where the log ends, once all that is staged is written. */
  private async reposition(followed: Followed): Promise<void> {
    const { offset, lastFetchedEpoch } = await followed.replica.fetchPosition();
    if (!followed.isFollowed) return;
    followed.offset = offset;
    followed.lastFetchedEpoch = lastFetchedEpoch;
    this.fetchOn(followed);
  }

  private fetchOn(followed: Followed): void {
    if (this.isHeldBack(followed)) {
      this.waitFor(followed, THROTTLED_PAUSE_MS);
      return;
    }
    this.requests.want(followed);
    this.wake();
  }

  private isHeldBack({ replica, lag }: Followed): boolean {
    const { throttle, isThrottled } = this.context;
    return lag !== undefined && lag > 0 && isThrottled(replica) && throttle.isExceeded;
  }

  private pauseAfterError(followed: Followed): void {
    followed.failures++;
    const { runtime, config } = this.context;
    this.waitFor(followed, nextBackoffMs(followed.failures, runtime.random, config.fetchBackoffMs));
  }

  private waitFor(followed: Followed, delayMs: number): void {
    this.requests.drop(followed);
    followed.timer?.cancel();
    followed.timer = this.context.runtime.clock.after(delayMs, () => void this.reposition(followed));
  }

  private async run(): Promise<void> {
    const { runtime, cluster } = this.context;
    while (!this.isClosed) {
      const peer = cluster.peer(this.sourceId);
      try {
        if (peer === undefined)
          throw new BrokerError('net.refused', 'the broker is not registered', { retriable: true });
        this.connection = await cluster.connect(peer);
        if (!this.isClosed) await this.converse(this.connection);
      } catch (error) {
        const source = { broker: this.sourceId, err: error };
        if (this.failures === 0 && !this.isClosed) runtime.log.warn(source, 'fetching from a broker failed, trying on');
        else runtime.log.debug(source, 'fetching from a broker failed again');
      }
      this.connection?.close();
      this.connection = undefined;
      if (this.isClosed) return;
      this.failures++;
      await this.pause();
    }
  }

  private pause(): Promise<void> {
    const { clock, random } = this.context.runtime;
    return new Promise((resolve) => {
      const timer = clock.after(nextBackoffMs(this.failures, random), resolve);
      this.endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  private async converse(connection: KafkaConnection): Promise<void> {
    this.requests.restart();
    const underWay: { readonly number: number; readonly response: Promise<FetchResponse> }[] = [];
    while (!this.isClosed) {
      const isDue = underWay.length === 0 ? !this.requests.isEmpty : this.mayOvertake(underWay.length);
      if (isDue) underWay.push(this.send(connection));
      const oldest = underWay[0];
      if (oldest === undefined) {
        await this.nextNews();
        continue;
      }
      const response = await Promise.race([oldest.response, this.nextNews()]);
      if (response === undefined) continue;
      underWay.shift();
      this.failures = 0;
      await this.take(response, oldest.number);
    }
  }

  /** A full request opens the session; until its answer has come nothing can be added to it. */
  private mayOvertake(underWay: number): boolean {
    return underWay < REQUESTS_IN_FLIGHT_MAX && this.requests.hasNews && this.requests.isOpen;
  }

  /** Resolves when a partition waits to be fetched, or the fetcher closes. */
  private nextNews(): Promise<undefined> {
    this.news ??= new Promise<void>((resolve) => {
      this.wake = () => {
        this.news = undefined;
        resolve();
      };
    });
    return this.news as Promise<undefined>;
  }

  private send(connection: KafkaConnection): { number: number; response: Promise<FetchResponse> } {
    const { nodeId, cluster, config } = this.context;
    // The request that opens the session is answered at once, so that others can overtake those that follow.
    const maxWaitMs = this.requests.isOpen ? config.fetchWaitMaxMs : 0;
    const { number, fields } = this.requests.next();
    const response = connection.request(fetchCall, FETCH_VERSION, {
      replicaState: { replicaId: nodeId, replicaEpoch: cluster.brokerEpoch() },
      maxWaitMs,
      minBytes: config.fetchMinBytes,
      maxBytes: config.fetchResponseMaxBytes,
      ...fields,
    });
    // Whoever awaits it hears of a failure; one that is given up with the connection must not be nobody's.
    response.catch(() => {});
    return { number, response };
  }

  /** Works off one answer. Resolves when everything in it is written. */
  private async take(response: FetchResponse, number: number): Promise<void> {
    if (SESSION_ERRORS.has(response.errorCode)) {
      this.requests.restart();
      return;
    }
    if (response.errorCode !== ErrorCode.NONE) {
      throw new BrokerError('net.refused', 'a fetch was refused', { context: { errorCode: response.errorCode } });
    }
    this.requests.answered(number, response.sessionId);
    const writing: Promise<void>[] = [];
    for (const { topicId, partitions } of response.responses) {
      for (const answer of partitions) {
        const followed = this.followed.get(`${topicId}/${answer.partitionIndex}`);
        if (followed === undefined || !this.requests.isMeant(followed, number)) continue;
        const written = this.takePartition(followed, answer);
        if (written !== undefined) writing.push(written);
      }
    }
    if (writing.length > 0) await Promise.all(writing);
  }

  private takePartition(followed: Followed, answer: FetchResponseResponsesPartitions): Promise<void> | undefined {
    const { errorCode, divergingEpoch } = answer;
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      this.requests.drop(followed);
      void this.repair(followed, () => this.enterRange(followed));
      return undefined;
    }
    if (errorCode !== ErrorCode.NONE) {
      const { topic, partition } = followed.replica;
      const fields = { broker: this.sourceId, topic, partition, errorCode };
      this.context.runtime.log.debug(fields, 'the leader refused a fetch of a partition');
      this.pauseAfterError(followed);
      return undefined;
    }
    if (divergingEpoch.epoch >= 0) {
      this.requests.drop(followed);
      void this.repair(followed, () => this.cutOff(followed, divergingEpoch));
      return undefined;
    }
    return this.append(followed, answer);
  }

  private append(followed: Followed, answer: FetchResponseResponsesPartitions): Promise<void> {
    const { replica, leaderEpoch } = followed;
    const { records, highWatermark, logStartOffset } = answer;
    const logStartBefore = replica.logStartOffset;
    return new Promise((resolve) => {
      replica.appendFetched({ leaderEpoch, records, highWatermark, logStartOffset }, (errorCode) => {
        if (!followed.isFollowed) return resolve();
        this.appended(followed, answer, errorCode);
        // Who deletes records waits for the leader to hear that they are gone here, too.
        if (errorCode === ErrorCode.NONE && replica.logStartOffset !== logStartBefore) this.fetchOn(followed);
        resolve();
      });
    });
  }

  private appended(followed: Followed, answer: FetchResponseResponsesPartitions, errorCode: number): void {
    const { replica } = followed;
    const bytes = answer.records?.length ?? 0;
    const hasMoved = replica.logEndOffset > followed.offset;
    if (errorCode !== ErrorCode.NONE || (bytes > 0 && !hasMoved)) {
      const { topic, partition } = replica;
      this.context.runtime.log.warn({ topic, partition, errorCode, bytes }, 'fetched records could not be appended');
      this.pauseAfterError(followed);
      return;
    }
    followed.failures = 0;
    followed.lag = Math.max(0, answer.highWatermark - replica.logEndOffset);
    if (bytes === 0) return;
    this.count(replica, bytes);
    followed.offset = replica.logEndOffset;
    followed.lastFetchedEpoch = replica.log.leaderEpochs.latestEpoch;
    this.fetchOn(followed);
  }

  private count(replica: Replica, bytes: number): void {
    const { counters, throttle, isThrottled, nodeId } = this.context;
    counters.replicationBytesIn += bytes;
    if (replica.isAdding(nodeId)) counters.reassignmentBytesIn += bytes;
    if (isThrottled(replica)) throttle.record(bytes);
  }

  private async repair(followed: Followed, task: () => Promise<void>): Promise<void> {
    try {
      await task();
      if (followed.isFollowed) await this.reposition(followed);
    } catch (error) {
      const { topic, partition } = followed.replica;
      this.context.runtime.log.warn(
        { topic, partition, err: error },
        'log could not be brought in line with its leader',
      );
      if (followed.isFollowed) this.pauseAfterError(followed);
    }
  }

  private cutOff({ replica, leaderEpoch }: Followed, diverging: EpochEndOffset): Promise<void> {
    return replica.truncateToLeader(leaderEpoch, diverging);
  }

  /** Our end lies outside of what the leader has: it says what it has. */
  private async enterRange(followed: Followed): Promise<void> {
    const { replica, leaderEpoch } = followed;
    const leaderEndOffset = await this.leaderOffset(followed, LATEST);
    const leaderStartOffset = await this.leaderOffset(followed, EARLIEST_LOCAL);
    const repair = repairRange({ logEndOffset: replica.logEndOffset, leaderStartOffset, leaderEndOffset });
    if (repair.kind === 'retry') throw new BrokerError('net.refused', 'the leader has the offset by now');
    await replica.repairRange(leaderEpoch, repair);
  }

  private async leaderOffset({ replica, leaderEpoch }: Followed, timestamp: number): Promise<number> {
    const { connection } = this;
    if (connection === undefined) throw new BrokerError('net.closed', 'the connection was closed', { retriable: true });
    const { topics } = await connection.request(listOffsetsCall, LIST_OFFSETS_VERSION, {
      replicaId: this.context.nodeId,
      isolationLevel: 0,
      topics: [
        {
          name: replica.topic,
          partitions: [{ partitionIndex: replica.partition, currentLeaderEpoch: leaderEpoch, timestamp }],
        },
      ],
    });
    const answer = topics[0]?.partitions[0];
    if (answer === undefined || answer.errorCode !== ErrorCode.NONE) {
      throw new BrokerError('net.refused', 'the leader did not tell its offsets', {
        retriable: true,
        context: { errorCode: answer?.errorCode },
      });
    }
    return answer.offset;
  }
}

function keyOf({ topicId, partition }: Replica): string {
  return `${topicId}/${partition}`;
}
