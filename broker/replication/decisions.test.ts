/** The pure decisions of replication, beside obvious ones on random input. */
import { fc, test as property } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { LeaderEpochs } from '../log/leader-epochs.ts';
import { buildBatch, setBatchBaseOffset, setBatchPartitionLeaderEpoch } from '../protocol/mod.ts';
import { MemoryDisk } from '../std/sim/memory-disk.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import { nextBackoffMs } from './backoff.ts';
import { beginsBefore, upToEpoch } from './fetched-records.ts';
import { FollowerProgress } from './follower-progress.ts';
import { nextHighWatermark } from './high-watermark.ts';
import type { InSyncChange } from './in-sync-set.ts';
import { Leadership } from './leadership.ts';
import type { Peer } from './peers.ts';
import { selectReadReplica } from './read-replica.ts';
import { isThrottled, ReplicationThrottle, throttledPartitions } from './throttle.ts';
import { repairRange, truncationPoint } from './truncation.ts';

const peerOf = (nodeId: number, overrides: Partial<Peer> = {}): Peer => ({
  nodeId,
  brokerEpoch: 100 + nodeId,
  isFenced: false,
  isShuttingDown: false,
  rack: null,
  host: 'localhost',
  port: 9000,
  ...overrides,
});

const offsets = fc.nat({ max: 50 });

property.prop([
  offsets,
  offsets,
  fc.array(fc.record({ logEndOffset: fc.integer({ min: -1, max: 80 }), isIn: fc.boolean() })),
])('the high watermark is the lowest end of those that count, and never moves back', (current, ahead, followers) => {
  const leaderLogEnd = current + ahead;
  const next = nextHighWatermark({ current, leaderLogEnd, followers, counts: ({ isIn }) => isIn });
  const ends = [leaderLogEnd, ...followers.filter(({ isIn }) => isIn).map(({ logEndOffset }) => logEndOffset)];
  expect(next).toBe(Math.max(current, Math.min(...ends)));
  expect(next).toBeLessThanOrEqual(leaderLogEnd);
});

interface Setup {
  readonly epochStartOffset?: number;
  readonly inSyncReplicas?: readonly number[];
}

function term({ epochStartOffset = 10, inSyncReplicas = [1, 2] }: Setup = {}): Leadership {
  const members = { partitionEpoch: 5, inSyncReplicas, replicas: [1, 2, 3] };
  return new Leadership({ nodeId: 1, leaderEpoch: 7, epochStartOffset, members, nowMs: 0 });
}

function fetchedAt(leading: Leadership, nodeId: number, offset: number, leaderLogEnd: number, atMs: number): void {
  leading.follower(nodeId)?.fetched({
    contact: { lastFetchMs: atMs },
    offset,
    logStartOffset: 0,
    brokerEpoch: 100 + nodeId,
    leaderLogEnd,
  });
}

interface Candidate {
  readonly fetchOffset: number | undefined;
  readonly highWatermark: number;
  readonly epochStartOffset: number;
  readonly inSyncReplicas: readonly number[];
  readonly isPending: boolean;
  readonly peer: Peer | undefined;
}

/** One that may enter, barely. */
const CANDIDATE: Candidate = {
  fetchOffset: 10,
  highWatermark: 10,
  epochStartOffset: 10,
  inSyncReplicas: [1, 2],
  isPending: false,
  peer: peerOf(3),
};

const NOW = { brokerEpoch: 101, nowMs: 1000 };

function expansionOf(candidate: Candidate): ReturnType<Leadership['expansion']> {
  const { epochStartOffset, inSyncReplicas, fetchOffset, highWatermark, peer } = candidate;
  const leading = term({ epochStartOffset, inSyncReplicas });
  if (fetchOffset !== undefined) fetchedAt(leading, 3, fetchOffset, 25, 1);
  if (candidate.isPending) {
    leading.inSync.propose({ kind: 'shrink', leaderEpoch: 7, partitionEpoch: 5, newInSyncReplicas: [] });
  }
  return leading.expansion(leading.follower(3) as FollowerProgress, { ...NOW, highWatermark, peer });
}

test('a change that was refused is not asked for again at once', () => {
  const { epochStartOffset, inSyncReplicas, highWatermark, peer } = CANDIDATE;
  const leading = term({ epochStartOffset, inSyncReplicas });
  fetchedAt(leading, 3, 10, 25, 1);
  const follower = leading.follower(3) as FollowerProgress;
  const change = leading.expansion(follower, { ...NOW, highWatermark, peer }) as InSyncChange;
  leading.inSync.propose(change);
  leading.reverted(NOW.nowMs);
  expect(leading.inSync.pending).toBeUndefined();
  expect(leading.expansion(follower, { ...NOW, nowMs: 1499, highWatermark, peer })).toBeUndefined();
  expect(leading.expansion(follower, { ...NOW, nowMs: 1500, highWatermark, peer })).toEqual(change);
});

test('a follower that has all that was committed enters the in-sync set as who it fetched', () => {
  expect(expansionOf(CANDIDATE)).toEqual({
    kind: 'expand',
    leaderEpoch: 7,
    partitionEpoch: 5,
    newInSyncReplicas: [
      { brokerId: 1, brokerEpoch: 101 },
      { brokerId: 2, brokerEpoch: -1 },
      { brokerId: 3, brokerEpoch: 103 },
    ],
  });
});

test.each<readonly [string, Partial<Candidate>]>([
  ['it has not fetched in this term', { fetchOffset: undefined }],
  ['it lacks what is committed', { highWatermark: 11 }],
  ['it lacks what an earlier leader may have committed', { epochStartOffset: 11 }],
  ['it is in the set already', { inSyncReplicas: [1, 2, 3] }],
  ['another change is open', { isPending: true }],
  ['its broker is not registered', { peer: undefined }],
  ['its broker is fenced', { peer: peerOf(3, { isFenced: true }) }],
  ['its broker shuts down', { peer: peerOf(3, { isShuttingDown: true }) }],
  ['its broker restarted since it fetched', { peer: peerOf(3, { brokerEpoch: 200 }) }],
])('a follower does not enter the in-sync set while %s', (_reason, difference) => {
  expect(expansionOf({ ...CANDIDATE, ...difference })).toBeUndefined();
});

test('members that were not caught up for too long are left out, the leader never', () => {
  const leading = term({ inSyncReplicas: [1, 2, 3] });
  fetchedAt(leading, 2, 10, 10, 1_000);
  fetchedAt(leading, 3, 8, 10, 1_000);
  const at = (nowMs: number) =>
    leading
      .shrink({ leaderLogEnd: 12, nowMs, lagTimeMaxMs: 500, brokerEpoch: 101 })
      ?.newInSyncReplicas.map(({ brokerId }) => brokerId);
  // Node 3 has the benefit of the doubt from the start of the term, and no longer.
  expect(at(500)).toBeUndefined();
  expect(at(501)).toEqual([1, 2]);
  expect(at(1_501)).toEqual([1]);
});

test('a follower at the end of the log is in sync however long ago it fetched', () => {
  const leading = term({ inSyncReplicas: [1, 2] });
  fetchedAt(leading, 2, 10, 10, 1_000);
  expect(leading.shrink({ leaderLogEnd: 10, nowMs: 1e9, lagTimeMaxMs: 500, brokerEpoch: 1 })).toBeUndefined();
});

test('a follower of a leader that is written to all the time is caught up as of its fetch before', () => {
  const follower = new FollowerProgress({ nodeId: 2, isInSync: false, nowMs: 0 });
  const fetch = (offset: number, leaderLogEnd: number, atMs: number): void =>
    follower.fetched({ contact: { lastFetchMs: atMs }, offset, logStartOffset: 0, brokerEpoch: 1, leaderLogEnd });
  fetch(0, 100, 1_000);
  fetch(90, 200, 2_000);
  expect(follower.lastCaughtUpMs).toBe(Number.NEGATIVE_INFINITY);
  fetch(200, 300, 3_000);
  expect(follower.lastCaughtUpMs).toBe(2_000);
  fetch(400, 400, 4_000);
  expect(follower.lastCaughtUpMs).toBe(4_000);
});

test('a follower that nothing was written for is caught up as of the last fetch of its session', () => {
  const follower = new FollowerProgress({ nodeId: 2, isInSync: true, nowMs: 0 });
  const contact = { lastFetchMs: 1_000 };
  follower.fetched({ contact, offset: 10, logStartOffset: 0, brokerEpoch: 1, leaderLogEnd: 10 });
  contact.lastFetchMs = 90_000;
  follower.leaderGrew(10);
  expect(follower.lastCaughtUpMs).toBe(90_000);
  contact.lastFetchMs = 95_000;
  follower.leaderGrew(11);
  expect(follower.lastCaughtUpMs).toBe(90_000);
});

test('the high watermark waits for members, for those being added or catching up, and stops below min ISR', () => {
  const view = () => ({ nowMs: 1_000, lagTimeMaxMs: 500, peer: (nodeId: number) => peerOf(nodeId) });
  const log = { highWatermark: 3, logEndOffset: 20 };
  const leading = term();
  fetchedAt(leading, 2, 15, 20, 900);
  expect(leading.nextHighWatermark(log, 2, view)).toBe(15);
  fetchedAt(leading, 3, 12, 12, 900);
  expect(leading.nextHighWatermark(log, 2, view)).toBe(12);
  const later = () => ({ ...view(), nowMs: 9_000 });
  expect(leading.nextHighWatermark(log, 2, later)).toBe(15);
  leading.inSync.propose({
    kind: 'expand',
    leaderEpoch: 7,
    partitionEpoch: 5,
    newInSyncReplicas: [1, 2, 3].map((brokerId) => ({ brokerId, brokerEpoch: -1 })),
  });
  expect(leading.nextHighWatermark(log, 2, later)).toBe(12);
  expect(leading.nextHighWatermark(log, 3, later)).toBe(3);
});

test('a follower that the controller refused is not waited for until it has more', () => {
  const view = () => ({ nowMs: 1_000, lagTimeMaxMs: 500, peer: (nodeId: number) => peerOf(nodeId) });
  const leading = term();
  fetchedAt(leading, 2, 15, 20, 900);
  fetchedAt(leading, 3, 12, 12, 900);
  leading.inSync.propose({
    kind: 'expand',
    leaderEpoch: 7,
    partitionEpoch: 5,
    newInSyncReplicas: [1, 2, 3].map((brokerId) => ({ brokerId, brokerEpoch: -1 })),
  });
  leading.reverted(900);
  const log = { highWatermark: 3, logEndOffset: 20 };
  expect(leading.nextHighWatermark(log, 2, view)).toBe(15);
  fetchedAt(leading, 3, 13, 13, 950);
  expect(leading.nextHighWatermark(log, 2, view)).toBe(13);
});

interface EpochRun {
  readonly epoch: number;
  readonly count: number;
}

const histories = fc
  .array(fc.record({ epoch: fc.nat({ max: 6 }), count: fc.integer({ min: 1, max: 4 }) }), { maxLength: 6 })
  .map((runs) => runs.toSorted((left, right) => left.epoch - right.epoch));

/** The epoch of every offset. */
const spread = (runs: readonly EpochRun[]): number[] => runs.flatMap(({ epoch, count }) => Array(count).fill(epoch));

function epochsOf(log: readonly number[]): LeaderEpochs {
  const epochs = LeaderEpochs.load(new MemoryDisk(), '/epochs');
  for (const [offset, epoch] of log.entries()) epochs.assign(epoch, offset);
  return epochs;
}

property.prop([histories, histories, histories], { numRuns: 1_000 })(
  'truncation ends at the last offset up to which both logs have the same epochs, whatever they are',
  (shared, ours, theirs) => {
    const base = shared.at(-1)?.epoch ?? 0;
    const above = (runs: readonly EpochRun[], shift: number): EpochRun[] =>
      runs.map(({ epoch, count }) => ({ epoch: base + 1 + 2 * epoch + shift, count }));
    // Epochs that both went through are the work of one leader, so tails share none: odd ones here, even ones there.
    const follower = [...spread(shared), ...spread(above(ours, 0))];
    const leader = [...spread(shared), ...spread(above(theirs, 1))];
    const leaderEpochs = epochsOf(leader);
    const nextEpoch = 1_000;
    leaderEpochs.assign(nextEpoch, leader.length);
    const own = epochsOf(follower);
    let logEndOffset = follower.length;
    for (let round = 0; round < 20; round++) {
      const lastFetchedEpoch = own.latestEpoch;
      if (lastFetchedEpoch < 0) break;
      const diverging = leaderEpochs.endOffsetFor(lastFetchedEpoch, leader.length);
      if (diverging.epoch === lastFetchedEpoch && diverging.endOffset >= logEndOffset) break;
      const mine = own.endOffsetFor(diverging.epoch, logEndOffset);
      const offset = truncationPoint({ diverging, own: mine, logEndOffset });
      expect(offset).toBeLessThanOrEqual(logEndOffset);
      logEndOffset = offset;
      own.truncateFromEnd(offset);
    }
    let common = 0;
    while (common < follower.length && follower[common] === leader[common]) common++;
    expect(logEndOffset).toBe(common);
  },
);

test('a follower outside of the range of its leader is cut, begins anew, or tries again', () => {
  expect(repairRange({ logEndOffset: 10, leaderStartOffset: 0, leaderEndOffset: 7 })).toEqual({
    kind: 'truncate',
    offset: 7,
  });
  expect(repairRange({ logEndOffset: 10, leaderStartOffset: 12, leaderEndOffset: 20 })).toEqual({
    kind: 'restart',
    offset: 12,
  });
  expect(repairRange({ logEndOffset: 10, leaderStartOffset: 5, leaderEndOffset: 20 })).toEqual({ kind: 'retry' });
});

test('batches of a later epoch than was asked for are left out', () => {
  const batchAt = (offset: number, epoch: number): Buffer => {
    const batch = buildBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from('x') }] });
    setBatchBaseOffset(batch, 0, offset);
    setBatchPartitionLeaderEpoch(batch, 0, epoch);
    return batch;
  };
  const [first, second, third] = [batchAt(0, 3), batchAt(1, 4), batchAt(2, 5)] as [Buffer, Buffer, Buffer];
  const records = Buffer.concat([first, second, third]);
  expect(upToEpoch(records, 4)).toEqual(Buffer.concat([first, second]));
  expect(upToEpoch(records, 2)).toHaveLength(0);
  expect(upToEpoch(records, 5)).toBe(records);
  expect(upToEpoch(null, 5)).toHaveLength(0);
  // A length that is no batch's: left for the log to refuse, and no endless loop.
  const broken = Buffer.alloc(200);
  expect(upToEpoch(broken, 5)).toBe(broken);
  expect(beginsBefore(second, 2)).toBe(1);
  expect(beginsBefore(second, 1)).toBeUndefined();
});

test('a consumer reads from its own rack: the leader, else the replica that is furthest along', () => {
  const follower = (nodeId: number, rack: string, logEndOffset: number, lastCaughtUpMs = 0) => ({
    nodeId,
    rack,
    logEndOffset,
    lastCaughtUpMs,
  });
  const all = [follower(2, 'b', 10), follower(3, 'b', 20), follower(4, 'a', 30)];
  expect(selectReadReplica('b', 'a', all)).toBe(3);
  expect(selectReadReplica('a', 'a', all)).toBeUndefined();
  expect(selectReadReplica('c', 'a', all)).toBeUndefined();
  expect(selectReadReplica('', 'a', all)).toBeUndefined();
  expect(selectReadReplica('b', 'a', [follower(2, 'b', 20, 5), follower(3, 'b', 20, 9)])).toBe(3);
});

test('a throttle lets through its rate, and no more', () => {
  const clock = new SimClock();
  const throttle = new ReplicationThrottle(clock, () => 1_000);
  let sent = 0;
  for (let ms = 0; ms < 10_000; ms += 10) {
    if (!throttle.isExceeded) {
      throttle.record(100);
      sent += 100;
    }
    clock.advance(10);
  }
  // The rate for ten seconds, and the one second's worth that may come at once.
  expect(sent).toBeGreaterThanOrEqual(10_000);
  expect(sent).toBeLessThanOrEqual(11_200);
});

test('throttled replicas are all, or those that name the broker', () => {
  expect(isThrottled(throttledPartitions(['*'], 1), 5)).toBe(true);
  const some = throttledPartitions(['0:1', '1:2', '2:1'], 1);
  expect([0, 1, 2].map((partition) => isThrottled(some, partition))).toEqual([true, false, true]);
  expect(isThrottled(throttledPartitions([], 1), 0)).toBe(false);
  expect(isThrottled(undefined, 0)).toBe(false);
});

test('pauses double from 50 ms to a second, give or take a fifth', () => {
  const random = new SeededRandom(1);
  for (let failures = 0; failures < 40; failures++) {
    const baseMs = Math.min(50 * 2 ** Math.max(failures - 1, 0), 1_000);
    const delayMs = nextBackoffMs(failures, random);
    expect(delayMs).toBeGreaterThanOrEqual(baseMs * 0.8);
    expect(delayMs).toBeLessThanOrEqual(baseMs * 1.2);
  }
});
