/** Fetch, ListOffsets, OffsetForLeaderEpoch, DeleteRecords and DescribeProducers: what a partition shows of itself. */

import { type Session, SOME_TIME, someRecords } from '../session.ts';
import type { Body } from '../untyped-call.ts';
import { cases } from './scenario.ts';

const BY_ID = 13;
const MAX_BYTES = 1_000_000;

function topicOf(s: Session, label: string, id: string, partitions: readonly Body[]): Body {
  const filledIn = partitions.map((partition) => ({ partitionMaxBytes: MAX_BYTES, ...partition }));
  return { ...(s.version >= BY_ID ? { topicId: id } : { topic: s.name(label) }), partitions: filledIn };
}

const fetched = (s: Session, label: string, id: string, partition: Body = {}, request: Body = {}) =>
  s.ask({
    ...(s.version < 15 ? { replicaId: -1 } : {}),
    maxBytes: MAX_BYTES,
    topics: [topicOf(s, label, id, [{ partition: 0, ...partition }])],
    ...request,
  });

async function ten(s: Session, options: { configs?: Record<string, string> } = {}): Promise<string> {
  const id = await s.topic('t', options);
  for (let i = 0; i < 5; i++) await s.produce('t', someRecords(2, { timestamp: SOME_TIME + i * 1000 }));
  return id;
}

export const fetch = cases('Fetch', [
  ['from the start', async (s) => fetched(s, 't', await ten(s))],
  ['from inside a batch', async (s) => fetched(s, 't', await ten(s), { fetchOffset: 3 })],
  ['from the end', async (s) => fetched(s, 't', await ten(s), { fetchOffset: 10 })],
  ['past the end', async (s) => fetched(s, 't', await ten(s), { fetchOffset: 11 })],
  ['a negative offset', async (s) => fetched(s, 't', await ten(s), { fetchOffset: -1 })],
  ['an empty partition', async (s) => fetched(s, 't', await s.topic('t'))],
  ['read_committed', async (s) => fetched(s, 't', await ten(s), {}, { isolationLevel: 1 })],
  [
    'one byte for the partition still gives a batch',
    async (s) => fetched(s, 't', await ten(s), { partitionMaxBytes: 1 }),
  ],
  ['one byte for the request still gives a batch', async (s) => fetched(s, 't', await ten(s), {}, { maxBytes: 1 })],
  ['zero bytes for the partition', async (s) => fetched(s, 't', await ten(s), { partitionMaxBytes: 0 })],
  ['a limit in the middle of the second batch', async (s) => fetched(s, 't', await ten(s), { partitionMaxBytes: 150 })],
  [
    'a request limit over two partitions',
    async (s) => {
      const id = await s.topic('t', { partitions: 2 });
      for (const partition of [0, 1]) await s.produce('t', someRecords(5), partition);
      await s.ask({ maxBytes: 1, topics: [topicOf(s, 't', id, [{ partition: 0 }, { partition: 1 }])] });
    },
  ],
  ['a wait that ends empty', async (s) => fetched(s, 't', await s.topic('t'), {}, { maxWaitMs: 100, minBytes: 1 })],
  [
    'a wait for more bytes than there are',
    async (s) => fetched(s, 't', await ten(s), {}, { maxWaitMs: 100, minBytes: 99_999 }),
  ],
  [
    'a wait that an append ends',
    async (s) => {
      const id = await s.topic('t');
      const waiting = fetched(s, 't', id, {}, { maxWaitMs: 5000, minBytes: 1 });
      const other = s.another();
      await new Promise((resolve) => setTimeout(resolve, 200));
      await other.produce('t', someRecords(1));
      await waiting;
    },
  ],
  ['an unknown partition', async (s) => fetched(s, 't', await s.topic('t'), { partition: 5 })],
  ['an unknown topic', async (s) => fetched(s, 'missing', 'AAAAAAAAAAAAAAAAAAAAAQ')],
  [
    'an error does not wait',
    async (s) => fetched(s, 't', await ten(s), { fetchOffset: 99 }, { maxWaitMs: 5000, minBytes: 1 }),
  ],
  ['a leader epoch of the past', async (s) => fetched(s, 't', await ten(s), { currentLeaderEpoch: -2 }), { from: 9 }],
  [
    'a leader epoch of the future',
    async (s) => fetched(s, 't', await ten(s), { currentLeaderEpoch: 100 }),
    { from: 9 },
  ],
  ['the current leader epoch', async (s) => fetched(s, 't', await ten(s), { currentLeaderEpoch: 0 }), { from: 9 }],
  [
    'a last fetched epoch that matches',
    async (s) => fetched(s, 't', await ten(s), { fetchOffset: 4, lastFetchedEpoch: 0 }),
    { from: 12 },
  ],
  [
    'a last fetched epoch that diverges',
    async (s) => fetched(s, 't', await ten(s), { fetchOffset: 30, lastFetchedEpoch: 0 }),
    { from: 12 },
  ],
  [
    'a last fetched epoch of the future',
    async (s) => fetched(s, 't', await ten(s), { fetchOffset: 4, lastFetchedEpoch: 7 }),
    { from: 12 },
  ],
  ['a replica that is none', async (s) => fetched(s, 't', await ten(s), {}, { replicaId: 7 }), { to: 14 }],
  ['no topics', async (s) => s.ask({ topics: [] })],
  [
    'a session: full, then only what changed',
    async (s) => {
      const id = await s.topic('t', { partitions: 2 });
      await s.produce('t', someRecords(1));
      const first = await s.ask({
        maxBytes: MAX_BYTES,
        sessionEpoch: 0,
        topics: [topicOf(s, 't', id, [{ partition: 0 }, { partition: 1 }])],
      });
      const sessionId = s.label(first.sessionId as number, 'session');
      await s.ask({
        maxBytes: MAX_BYTES,
        sessionId,
        sessionEpoch: 1,
        topics: [topicOf(s, 't', id, [{ partition: 0, fetchOffset: 1 }])],
      });
      await s.produce('t', someRecords(1), 1);
      await s.ask({ maxBytes: MAX_BYTES, sessionId, sessionEpoch: 2 });
      const forgotten = { ...(s.version >= BY_ID ? { topicId: id } : { topic: s.name('t') }), partitions: [1] };
      await s.ask({ maxBytes: MAX_BYTES, sessionId, sessionEpoch: 3, forgottenTopicsData: [forgotten] });
      await s.produce('t', someRecords(1));
      await s.ask({ maxBytes: MAX_BYTES, sessionId, sessionEpoch: 4 });
      await s.ask({ maxBytes: MAX_BYTES, sessionId, sessionEpoch: 9 });
      await s.ask({
        maxBytes: MAX_BYTES,
        sessionId,
        sessionEpoch: -1,
        topics: [topicOf(s, 't', id, [{ partition: 0 }])],
      });
      await s.ask({ maxBytes: MAX_BYTES, sessionId, sessionEpoch: 6 });
    },
    { from: 7 },
  ],
  [
    'a session that does not exist',
    async (s) => {
      const id = await ten(s);
      await s.ask({
        maxBytes: MAX_BYTES,
        sessionId: 12_345,
        sessionEpoch: 3,
        topics: [topicOf(s, 't', id, [{ partition: 0 }])],
      });
    },
    { from: 7 },
  ],
  [
    'after DeleteRecords, below the start',
    async (s) => {
      const id = await ten(s);
      await s.prepare('DeleteRecords', {
        timeoutMs: 5000,
        topics: [{ name: s.name('t'), partitions: [{ partitionIndex: 0, offset: 5 }] }],
      });
      await fetched(s, 't', id, { fetchOffset: 3 });
      await fetched(s, 't', id, { fetchOffset: 5 });
    },
  ],
  [
    'a topic that was deleted',
    async (s) => {
      const id = await ten(s);
      await s.prepare('DeleteTopics', { timeoutMs: 5000, topics: [{ name: s.name('t') }] });
      await s.until(
        'Metadata',
        () => ({ topics: [{ name: s.name('t') }], allowAutoTopicCreation: false }),
        (r) => r.topics[0].errorCode === 3,
      );
      await new Promise((resolve) => setTimeout(resolve, 300));
      await fetched(s, 't', id);
    },
  ],
]);

const listed = (s: Session, timestamps: readonly number[], options: Body = {}, partition: Body = {}) =>
  (async () => {
    for (const timestamp of timestamps) {
      await s.ask({
        replicaId: -1,
        ...options,
        topics: [
          { name: s.name('t'), partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp, ...partition }] },
        ],
      });
    }
  })();

export const listOffsets = cases('ListOffsets', [
  [
    'earliest and latest',
    async (s) => {
      await ten(s);
      await listed(s, [-2, -1]);
    },
  ],
  [
    'of an empty partition',
    async (s) => {
      await s.topic('t');
      await listed(s, [-2, -1, SOME_TIME]);
    },
  ],
  [
    'by timestamp',
    async (s) => {
      await ten(s);
      await listed(s, [
        0,
        SOME_TIME,
        SOME_TIME + 1,
        SOME_TIME + 500,
        SOME_TIME + 4000,
        SOME_TIME + 4001,
        SOME_TIME + 9999,
      ]);
    },
  ],
  [
    'the maximal timestamp',
    async (s) => {
      await ten(s);
      await listed(s, [-3]);
    },
    { from: 7 },
  ],
  [
    'the maximal timestamp of an empty partition',
    async (s) => {
      await s.topic('t');
      await listed(s, [-3]);
    },
    { from: 7 },
  ],
  [
    'earliest local',
    async (s) => {
      await ten(s);
      await listed(s, [-4]);
    },
    { from: 8 },
  ],
  [
    'latest tiered',
    async (s) => {
      await ten(s);
      await listed(s, [-5]);
    },
    { from: 9 },
  ],
  [
    'earliest pending upload',
    async (s) => {
      await ten(s);
      await listed(s, [-6]);
    },
    { from: 11 },
  ],
  [
    'a special timestamp that its version lacks',
    async (s) => {
      await ten(s);
      await listed(s, [-3, -4, -5, -6, -7]);
    },
  ],
  [
    'an unknown partition',
    async (s) => {
      await s.topic('t');
      await listed(s, [-1], {}, { partitionIndex: 9 });
    },
  ],
  ['an unknown topic', async (s) => listed(s, [-1])],
  [
    'a topic that cannot have that name',
    async (s) =>
      s.ask({
        replicaId: -1,
        topics: [{ name: 'no spaces', partitions: [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch: -1 }] }],
      }),
  ],
  [
    'read_committed',
    async (s) => {
      await ten(s);
      await listed(s, [-1], { isolationLevel: 1 });
    },
    { from: 2 },
  ],
  [
    'a leader epoch of the future',
    async (s) => {
      await ten(s);
      await listed(s, [-1], {}, { currentLeaderEpoch: 9 });
    },
    { from: 4 },
  ],
  [
    'a leader epoch of the past',
    async (s) => {
      await ten(s);
      await listed(s, [-1], {}, { currentLeaderEpoch: -2 });
    },
    { from: 4 },
  ],
  [
    'the same partition twice',
    async (s) => {
      await ten(s);
      const partition = { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 };
      await s.ask({ replicaId: -1, topics: [{ name: s.name('t'), partitions: [partition, partition] }] });
    },
  ],
  [
    'after DeleteRecords',
    async (s) => {
      await ten(s);
      await s.prepare('DeleteRecords', {
        timeoutMs: 5000,
        topics: [{ name: s.name('t'), partitions: [{ partitionIndex: 0, offset: 5 }] }],
      });
      await listed(s, [-2, -1, 0, SOME_TIME]);
    },
  ],
  ['no topics', async (s) => s.ask({ replicaId: -1, topics: [] })],
]);

const epochEnd = (s: Session, leaderEpoch: number, partition: Body = {}, topic?: string) =>
  s.ask({
    ...(s.version >= 3 ? { replicaId: -1 } : {}),
    topics: [
      {
        topic: topic ?? s.name('t'),
        partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch, ...partition }],
      },
    ],
  });

export const offsetForLeaderEpoch = cases('OffsetForLeaderEpoch', [
  [
    'the current epoch',
    async (s) => {
      await ten(s);
      await epochEnd(s, 0);
    },
  ],
  [
    'an epoch before the first',
    async (s) => {
      await ten(s);
      await epochEnd(s, -1);
    },
  ],
  [
    'an epoch of the future',
    async (s) => {
      await ten(s);
      await epochEnd(s, 9);
    },
  ],
  [
    'an empty partition',
    async (s) => {
      await s.topic('t');
      await epochEnd(s, 0);
    },
  ],
  [
    'a current leader epoch of the future',
    async (s) => {
      await ten(s);
      await epochEnd(s, 0, { currentLeaderEpoch: 5 });
    },
  ],
  [
    'a current leader epoch of the past',
    async (s) => {
      await ten(s);
      await epochEnd(s, 0, { currentLeaderEpoch: -2 });
    },
  ],
  [
    'an unknown partition',
    async (s) => {
      await s.topic('t');
      await epochEnd(s, 0, { partition: 4 });
    },
  ],
  ['an unknown topic', async (s) => epochEnd(s, 0)],
  ['no topics', async (s) => s.ask({ topics: [] })],
]);

const deleted = (s: Session, offset: number, partition = 0, topic?: string) =>
  s.ask({
    timeoutMs: 5000,
    topics: [{ name: topic ?? s.name('t'), partitions: [{ partitionIndex: partition, offset }] }],
  });

export const deleteRecords = cases('DeleteRecords', [
  [
    'up to an offset',
    async (s) => {
      await ten(s);
      await deleted(s, 4);
      await deleted(s, 2);
      await deleted(s, 4);
    },
  ],
  [
    'up to the high watermark',
    async (s) => {
      await ten(s);
      await deleted(s, -1);
    },
  ],
  [
    'up to the very end',
    async (s) => {
      await ten(s);
      await deleted(s, 10);
    },
  ],
  [
    'past the end',
    async (s) => {
      await ten(s);
      await deleted(s, 11);
    },
  ],
  [
    'a negative offset',
    async (s) => {
      await ten(s);
      await deleted(s, -2);
    },
  ],
  [
    'a compacted topic',
    async (s) => {
      await ten(s, { configs: { 'cleanup.policy': 'compact' } });
      await deleted(s, 4);
    },
  ],
  [
    'a topic compacted and deleted',
    async (s) => {
      await ten(s, { configs: { 'cleanup.policy': 'compact,delete' } });
      await deleted(s, 4);
    },
  ],
  [
    'an unknown partition',
    async (s) => {
      await s.topic('t');
      await deleted(s, 0, 3);
    },
  ],
  ['an unknown topic', async (s) => deleted(s, 0)],
  [
    'an internal topic',
    async (s) => {
      await s.group('g');
      await deleted(s, 0, 0, '__consumer_offsets');
    },
  ],
  ['no topics', async (s) => s.ask({ timeoutMs: 5000 })],
]);

export const describeProducers = cases('DescribeProducers', [
  [
    'a partition without producers',
    async (s) => {
      await s.topic('t');
      await s.ask({ topics: [{ name: s.name('t'), partitionIndexes: [0] }] });
    },
  ],
  [
    'an unknown partition',
    async (s) => {
      await s.topic('t');
      await s.ask({ topics: [{ name: s.name('t'), partitionIndexes: [0, 7] }] });
    },
  ],
  ['an unknown topic', async (s) => s.ask({ topics: [{ name: s.name('t'), partitionIndexes: [0] }] })],
  [
    'a topic that cannot have that name',
    async (s) => s.ask({ topics: [{ name: 'no spaces', partitionIndexes: [0] }] }),
  ],
  ['no topics', async (s) => s.ask({ topics: [] })],
]);
