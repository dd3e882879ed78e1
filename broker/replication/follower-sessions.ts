/**
 * The fetch sessions of this broker's followers: one for each, for a follower fetches everything that this broker leads
 * over one connection. A new session of a broker takes the place of its last, so there are never more than brokers.
 */
import { ErrorCode } from '../protocol/mod.ts';
import type { Random } from '../std/mod.ts';
import type { FetchPartition } from './fetch-sessions.ts';
import {
  type FollowerAnswer,
  type FollowerFetchLimits,
  FollowerSession,
  type FollowerSessionHost,
} from './follower-session.ts';

const EPOCH_MAX = 0x7fffffff;
const OPENS_SESSION = 0;
const WANTS_NO_SESSION = -1;
const NO_SESSION = 0;

export interface FollowerFetch {
  readonly followerId: number;
  /** The broker epoch that the follower fetches as (KIP-903). */
  readonly brokerEpoch: number;
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly partitions: readonly FetchPartition[];
  readonly forgotten: readonly { readonly topicId: string; readonly partition: number }[];
  readonly limits: FollowerFetchLimits;
}

export interface FollowerFetchResult {
  readonly errorCode: number;
  readonly sessionId: number;
  readonly answers: readonly FollowerAnswer[];
}

export class FollowerSessions {
  private readonly host: FollowerSessionHost;
  private readonly random: Random;
  private readonly sessions = new Map<number, FollowerSession>();

  constructor(options: { readonly host: FollowerSessionHost; readonly random: Random }) {
    this.host = options.host;
    this.random = options.random;
  }

  get size(): number {
    return this.sessions.size;
  }

  /** Serves one fetch; `done` is called once, now or later. Returns how to cancel it. */
  fetch(fetch: FollowerFetch, done: (result: FollowerFetchResult) => void): () => void {
    const session = this.sessionOf(fetch);
    if (typeof session === 'number') {
      done({ errorCode: session, sessionId: NO_SESSION, answers: [] });
      return () => {};
    }
    return session.fetch(fetch, (answers) => done({ errorCode: ErrorCode.NONE, sessionId: session.id, answers }));
  }

  /** The session that the fetch belongs to, opened if need be, or an error code. */
  private sessionOf(fetch: FollowerFetch): FollowerSession | number {
    const { followerId, sessionId, sessionEpoch } = fetch;
    const current = this.sessions.get(followerId);
    if (sessionEpoch === OPENS_SESSION || sessionEpoch === WANTS_NO_SESSION) {
      current?.close();
      this.sessions.delete(followerId);
      const id = sessionEpoch === OPENS_SESSION ? this.newId() : NO_SESSION;
      const session = new FollowerSession({ id, followerId, brokerEpoch: fetch.brokerEpoch, host: this.host });
      this.sessions.set(followerId, session);
      return session;
    }
    if (current === undefined || current.id !== sessionId) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
    if (current.nextEpoch !== sessionEpoch || current.brokerEpoch !== fetch.brokerEpoch) {
      return ErrorCode.INVALID_FETCH_SESSION_EPOCH;
    }
    current.nextEpoch = sessionEpoch === EPOCH_MAX ? 1 : sessionEpoch + 1;
    return current;
  }

  private newId(): number {
    for (;;) {
      const id = this.random.uint32() & 0x7fffffff;
      if (id !== NO_SESSION) return id;
    }
  }

  close(): void {
    for (const session of this.sessions.values()) session.close();
    this.sessions.clear();
  }
}
