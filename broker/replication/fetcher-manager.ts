/** Which source broker each followed partition is fetched from: one fetcher for each broker that leads any of them. */
import type { ConnectionOptions } from '../protocol/connection/mod.ts';
import type { Clock } from '../std/mod.ts';
import { Fetcher, type FetcherContext, REQUESTS_IN_FLIGHT_MAX } from './fetcher.ts';
import type { Replica } from './replica.ts';

/** Kafka's replica.socket.timeout.ms: a leader that says nothing for so long is dialled anew. */
const SILENCE_MS_MAX = 30_000;
const NO_LEADER = -1;

/**
 * How connections of fetchers are opened: they notice a silent peer, and receive into the same memory again and again.
 */
export function fetchConnectionOptions(clock: Clock): ConnectionOptions {
  return {
    requestTimeout: { afterMs: SILENCE_MS_MAX, clock },
    reusedBuffers: REQUESTS_IN_FLIGHT_MAX,
  };
}

export class FetcherManager {
  private readonly context: FetcherContext;
  private readonly fetchers = new Map<number, Fetcher>();
  private readonly sources = new Map<Replica, { readonly sourceId: number; readonly leaderEpoch: number }>();
  private isClosed = false;

  constructor(context: FetcherContext) {
    this.context = context;
  }

  get maxLag(): number {
    let max = 0;
    for (const fetcher of this.fetchers.values()) max = Math.max(max, fetcher.maxLag);
    return max;
  }

  /** Follows the replica's leader as its metadata names it now; stops when there is none, or it is this broker. */
  update(replica: Replica): void {
    const { leader: sourceId, leaderEpoch } = replica;
    const known = this.sources.get(replica);
    if (known?.sourceId === sourceId && known.leaderEpoch === leaderEpoch) return;
    this.remove(replica);
    if (this.isClosed || sourceId === NO_LEADER || sourceId === this.context.nodeId) return;
    let fetcher = this.fetchers.get(sourceId);
    if (fetcher === undefined) {
      fetcher = new Fetcher(sourceId, this.context);
      this.fetchers.set(sourceId, fetcher);
    }
    this.sources.set(replica, { sourceId, leaderEpoch });
    fetcher.follow(replica);
  }

  remove(replica: Replica): void {
    const known = this.sources.get(replica);
    if (known === undefined) return;
    this.sources.delete(replica);
    this.fetchers.get(known.sourceId)?.unfollow(replica);
  }

  /** Closes fetchers that have nothing left to fetch: their connections would only idle. */
  closeIdle(): void {
    for (const [sourceId, fetcher] of this.fetchers) {
      if (fetcher.size > 0) continue;
      fetcher.close();
      this.fetchers.delete(sourceId);
    }
  }

  close(): void {
    this.isClosed = true;
    for (const fetcher of this.fetchers.values()) fetcher.close();
    this.fetchers.clear();
    this.sources.clear();
  }
}
