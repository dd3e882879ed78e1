/** The classic group protocol, step by step on a simulated clock. */
import { beforeEach, expect, test } from 'vitest';
import type { CoordinatorRecord } from '../coordinator-runtime/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { silentLogger } from '../std/mod.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import type { GroupConfig } from './group-config.ts';
import { GroupShard, type JoinRequest } from './group-shard.ts';
import type { JoinResult, SyncResult } from './member.ts';

const CONFIG: GroupConfig = {
  sessionTimeoutMsMin: 6000,
  sessionTimeoutMsMax: 1_800_000,
  initialRebalanceDelayMs: 3000,
  membersMax: 3,
  offsetsPartitions: 1,
  offsetsRetentionMs: 10_000,
  offsetsRetentionCheckMs: 1000,
  offsetMetadataBytesMax: 100,
  commitTimeoutMs: 5000,
};

let clock: SimClock;
let shard: GroupShard;
let written: CoordinatorRecord[];
/** What the next appends are answered with; NONE once it is used up. */
let outcomes: number[];

const createShard = (): GroupShard =>
  new GroupShard({
    clock,
    random: new SeededRandom(1),
    log: silentLogger,
    config: CONFIG,
    write: (records, done) => {
      const outcome = outcomes.shift() ?? ErrorCode.NONE;
      if (outcome === ErrorCode.NONE) written.push(...records);
      clock.after(1, () => done(outcome));
    },
  });

beforeEach(() => {
  clock = new SimClock();
  written = [];
  outcomes = [];
  shard = createShard();
});

interface Pending<Result> {
  result?: Result;
}

function join(memberId: string, more: Partial<JoinRequest> = {}): Pending<JoinResult> {
  const pending: Pending<JoinResult> = {};
  const request: JoinRequest = {
    groupId: 'g',
    memberId,
    groupInstanceId: null,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('subscription') }],
    requiresMemberId: false,
    maySkipAssignment: true,
    ...more,
  };
  shard.join(request, (result) => {
    pending.result = result;
  });
  return pending;
}

function sync(memberId: string, generationId: number, assignments: Record<string, string> = {}): Pending<SyncResult> {
  const pending: Pending<SyncResult> = {};
  const request = {
    groupId: 'g',
    generationId,
    memberId,
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
  };
  shard.sync(request, (result) => {
    pending.result = result;
  });
  return pending;
}

/** Two members in a stable group; the first leads. */
function stableGroup(): { leader: string; follower: string; generation: number } {
  const [a, b] = [join(''), join('')];
  clock.advance(6001);
  const leader = a.result?.memberId ?? '';
  const follower = b.result?.memberId ?? '';
  const generation = a.result?.generationId ?? -1;
  const waiting = sync(follower, generation);
  sync(leader, generation, { [leader]: 'for-a', [follower]: 'for-b' });
  clock.advance(1);
  expect(waiting.result?.assignment.toString()).toBe('for-b');
  return { leader, follower, generation };
}

const state = (): string | undefined => shard.groups.get('g')?.state;
const heartbeat = (member: string, generation: number): number => shard.heartbeat('g', member, null, generation);

test('the first members wait for one another, and the delay grows while more come', () => {
  const first = join('');
  clock.advance(2900);
  const second = join('');
  clock.advance(200);
  expect(first.result).toBeUndefined();
  clock.advance(3000);
  expect(first.result).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range' });
  expect(first.result?.members.length).toBe(2);
  expect(second.result?.members).toEqual([]);
  expect(second.result?.leader).toBe(first.result?.memberId);
});

test('a new member gets its id first, and loses it when it does not come back with it', () => {
  const first = join('', { requiresMemberId: true });
  expect(first.result?.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
  const memberId = first.result?.memberId ?? '';
  expect(memberId).toMatch(/^client-/);
  const second = join(memberId, { requiresMemberId: true });
  clock.advance(3000);
  expect(second.result).toMatchObject({ errorCode: 0, memberId });
  const late = join('', { requiresMemberId: true }).result?.memberId ?? '';
  clock.advance(10_001);
  expect(join(late, { requiresMemberId: true }).result?.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('an assignment is handed out only after it was written', () => {
  const member = join('');
  clock.advance(3000);
  const { memberId, generationId } = member.result as JoinResult;
  const synced = sync(memberId, generationId, { [memberId]: 'mine' });
  expect(synced.result).toBeUndefined();
  expect(state()).toBe('CompletingRebalance');
  clock.advance(1);
  expect(synced.result?.assignment.toString()).toBe('mine');
  expect(state()).toBe('Stable');
});

test('an assignment that cannot be written makes the members join again', () => {
  const member = join('');
  clock.advance(3000);
  const { memberId, generationId } = member.result as JoinResult;
  outcomes = [ErrorCode.COORDINATOR_NOT_AVAILABLE];
  const synced = sync(memberId, generationId, { [memberId]: 'mine' });
  clock.advance(1);
  expect(synced.result?.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  expect(state()).toBe('PreparingRebalance');
});

test('a member that misses its session is removed, and the others rebalance', () => {
  const { leader, follower, generation } = stableGroup();
  clock.advance(9000);
  expect(heartbeat(leader, generation)).toBe(ErrorCode.NONE);
  clock.advance(2000);
  expect(state()).toBe('PreparingRebalance');
  expect(heartbeat(leader, generation)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect(heartbeat(follower, generation)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  const again = join(leader);
  expect(again.result).toMatchObject({ errorCode: 0, generationId: generation + 1 });
});

test('members that do not sync in time are removed', () => {
  const [a, b] = [join(''), join('')];
  clock.advance(6001);
  const generation = a.result?.generationId ?? -1;
  for (let i = 0; i < 8; i++) {
    clock.advance(8000);
    heartbeat(a.result?.memberId ?? '', generation);
    heartbeat(b.result?.memberId ?? '', generation);
  }
  expect(state()).toBe('Empty');
});

test('the last member that leaves empties the group into a new generation', () => {
  const { leader, follower, generation } = stableGroup();
  expect(shard.leave('g', { memberId: follower, groupInstanceId: null })).toBe(ErrorCode.NONE);
  expect(shard.leave('g', { memberId: leader, groupInstanceId: null })).toBe(ErrorCode.NONE);
  expect(shard.leave('g', { memberId: leader, groupInstanceId: null })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(state()).toBe('Empty');
  expect(shard.groups.get('g')?.generationId).toBe(generation + 1);
});

test('a static member that restarts takes its place without a rebalance, and fences its former self', () => {
  const instance = { groupInstanceId: 'i-1' };
  const first = join('', instance);
  clock.advance(3000);
  const { memberId, generationId } = first.result as JoinResult;
  sync(memberId, generationId, { [memberId]: 'mine' });
  clock.advance(1);
  const again = join('', instance);
  clock.advance(1);
  expect(again.result).toMatchObject({ errorCode: 0, generationId, skipAssignment: true });
  expect(state()).toBe('Stable');
  expect(sync(again.result?.memberId ?? '', generationId).result?.assignment.toString()).toBe('mine');
  expect(shard.heartbeat('g', memberId, 'i-1', generationId)).toBe(ErrorCode.FENCED_INSTANCE_ID);
  expect(shard.leave('g', { memberId: '', groupInstanceId: 'i-1' })).toBe(ErrorCode.NONE);
});

test('members must share a protocol, and a full group takes no more', () => {
  stableGroup();
  const stranger = join('', { protocols: [{ name: 'other', metadata: Buffer.alloc(0) }] });
  expect(stranger.result?.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  join('');
  expect(join('', { sessionTimeoutMs: 1 }).result?.errorCode).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
  clock.advance(100_000);
});

test('commits follow the rules of the group they are for', () => {
  const check = (memberId: string, generationId: number): number =>
    shard.checkCommit({ groupId: 'g', memberId, groupInstanceId: null, generationId, unknownGroupError: 22 });
  expect(check('m', 5)).toBe(22);
  expect(check('', -1)).toBe(ErrorCode.NONE);
  const { leader, generation } = stableGroup();
  expect(check('', -1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(check(leader, generation)).toBe(ErrorCode.NONE);
  expect(check(leader, generation - 1)).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(check('nobody', generation)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('what was written brings the same group back, whose members keep their sessions', () => {
  const { leader, follower, generation } = stableGroup();
  const before = written;
  shard.unloaded();
  shard = createShard();
  for (const record of before) shard.replay(record);
  shard.loaded();
  expect(state()).toBe('Stable');
  expect(heartbeat(leader, generation)).toBe(ErrorCode.NONE);
  expect(sync(follower, generation).result?.assignment.toString()).toBe('for-b');
  clock.advance(10_001);
  expect(state()).not.toBe('Stable');
});

test('a group that is empty for long enough loses its offsets, and then itself', () => {
  const value = {
    offset: 7,
    leaderEpoch: -1,
    metadata: '',
    commitTimestampMs: clock.nowMs(),
    expireTimestampMs: -1,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
  };
  shard.checkCommit({ groupId: 'g', memberId: '', groupInstanceId: null, generationId: -1, unknownGroupError: 22 });
  const record = { key: Buffer.from('k'), value: Buffer.from('v') };
  shard.commit('g', [{ topic: 't', partition: 0, value, record }], () => {});
  clock.advance(1);
  shard.expireOffsets();
  expect(shard.offsets.get('g')?.get('t', 0)?.offset).toBe(7);
  clock.advance(10_000);
  shard.expireOffsets();
  clock.advance(5);
  expect(shard.offsets.has('g')).toBe(false);
  expect(shard.groups.has('g')).toBe(false);
});

test('only an empty group can be deleted', () => {
  stableGroup();
  const codes: number[] = [];
  shard.deleteGroup('g', (code) => codes.push(code));
  shard.deleteGroup('unknown', (code) => codes.push(code));
  expect(codes).toEqual([ErrorCode.NON_EMPTY_GROUP, ErrorCode.GROUP_ID_NOT_FOUND]);
});
