/**
 * A member of a consumer group, as consumers of the classic protocol are: it joins, is given partitions, goes on where
 * the group left off, commits what it has read, and leaves or falls asleep now and then.
 */
import { defineCall } from '../../broker/protocol/connection/mod.ts';
import { writeHeartbeatRequest } from '../../broker/protocol/generated/heartbeat-request.ts';
import { readHeartbeatResponse } from '../../broker/protocol/generated/heartbeat-response.ts';
import { writeJoinGroupRequest } from '../../broker/protocol/generated/join-group-request.ts';
import { readJoinGroupResponse } from '../../broker/protocol/generated/join-group-response.ts';
import { writeLeaveGroupRequest } from '../../broker/protocol/generated/leave-group-request.ts';
import { readLeaveGroupResponse } from '../../broker/protocol/generated/leave-group-response.ts';
import { writeSyncGroupRequest } from '../../broker/protocol/generated/sync-group-request.ts';
import { readSyncGroupResponse } from '../../broker/protocol/generated/sync-group-response.ts';
import { ErrorCode } from '../../broker/protocol/mod.ts';
import type { SeededRandom } from '../../broker/std/sim/prng.ts';
import * as calls from '../support/calls.ts';
import type { GroupHistory } from './group-history.ts';
import type { History } from './history.ts';
import type { SimClient } from './sim-client.ts';
import { coordinatorPort, fetchAt, recordsOf, type Stop } from './workload.ts';

const joinCall = defineCall(11, writeJoinGroupRequest, readJoinGroupResponse);
const heartbeatCall = defineCall(12, writeHeartbeatRequest, readHeartbeatResponse);
const leaveCall = defineCall(13, writeLeaveGroupRequest, readLeaveGroupResponse);
const syncCall = defineCall(14, writeSyncGroupRequest, readSyncGroupResponse);
/** The last versions in which a member joins with its first request, and a leave names one member. */
const JOIN_VERSION = 3;
const SYNC_VERSION = 3;
const LEAVE_VERSION = 2;
const SESSION_MS = 6000;
const REBALANCE_MS = 5000;
/** A join is answered when all have joined. */
const JOIN_MS_MAX = 12_000;
const NO_SUBSCRIPTION = Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
const PAUSE_MS = 100;

interface Membership {
  readonly port: number;
  readonly memberId: string;
  readonly generation: number;
  readonly partitions: readonly number[];
}

export interface MemberOptions {
  readonly client: SimClient;
  readonly history: History;
  readonly group: GroupHistory;
  readonly random: SeededRandom;
  readonly topic: string;
  readonly partitions: number;
  /** Whether the broker at that port is the coordinator of the group, as the metadata says. */
  readonly isCoordinator: (port: number) => boolean;
  readonly stop: Stop;
}

export async function runMember(options: MemberOptions): Promise<void> {
  const { client, random, stop } = options;
  let memberId = '';
  while (!stop.isStopped) {
    try {
      const joined = await join(options, memberId);
      if (typeof joined === 'string') memberId = joined;
      else memberId = await consume(options, joined);
    } catch {
      // No answer: the coordinator may be another one by now, and knows this member or not.
    }
    await client.pause(random.below(PAUSE_MS));
  }
}

/** Joins and is given partitions; else the member id to try again with, which is empty when nobody knows it. */
async function join(options: MemberOptions, memberId: string): Promise<Membership | string> {
  const { client, group, partitions } = options;
  const port = await coordinatorPort(client, group.groupId);
  if (port === undefined) {
    await client.pause(PAUSE_MS);
    return memberId;
  }
  const protocols = [{ name: 'spread', metadata: NO_SUBSCRIPTION }];
  const request = { groupId: group.groupId, memberId, protocolType: 'consumer', protocols };
  const joined = await client.ask(
    port,
    joinCall,
    JOIN_VERSION,
    { ...request, sessionTimeoutMs: SESSION_MS, rebalanceTimeoutMs: REBALANCE_MS },
    JOIN_MS_MAX,
  );
  if (joined.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) return '';
  if (joined.errorCode !== ErrorCode.NONE) {
    await client.pause(PAUSE_MS);
    return memberId;
  }
  const isLeader = joined.leader === joined.memberId;
  const assignments = isLeader
    ? spread(
        joined.members.map((member) => member.memberId),
        partitions,
      )
    : [];
  const synced = await client.ask(
    port,
    syncCall,
    SYNC_VERSION,
    { groupId: group.groupId, generationId: joined.generationId, memberId: joined.memberId, assignments },
    JOIN_MS_MAX,
  );
  if (synced.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) return '';
  if (synced.errorCode !== ErrorCode.NONE) return joined.memberId;
  const given = [...synced.assignment];
  group.assigned(joined.generationId, joined.memberId, given);
  return { port, memberId: joined.memberId, generation: joined.generationId, partitions: given };
}

/** One byte for each partition that a member is given. */
function spread(members: readonly string[], partitions: number): { memberId: string; assignment: Buffer }[] {
  return members.map((memberId, index) => {
    const given = Array.from({ length: partitions }, (_, partition) => partition).filter(
      (partition) => partition % members.length === index,
    );
    return { memberId, assignment: Buffer.from(given) };
  });
}

/** Reads and commits until the group wants something else; returns the member id to join with again. */
async function consume(options: MemberOptions, membership: Membership): Promise<string> {
  const { client, group, random, stop } = options;
  const { port, memberId, generation } = membership;
  const positions = await resume(options, membership);
  if (positions === undefined) return memberId;
  while (!stop.isStopped) {
    for (const partition of membership.partitions) await readOn(options, positions, partition);
    // It stands still for longer than its session, and wakes up believing that it still owns what it read.
    if (random.chance(0.04)) await client.pause(SESSION_MS + random.below(SESSION_MS));
    const error = await commit(options, membership, positions);
    if (error === ErrorCode.UNKNOWN_MEMBER_ID) return '';
    if (error !== ErrorCode.NONE && error !== ErrorCode.REBALANCE_IN_PROGRESS) return memberId;
    if (random.chance(0.03)) {
      await client.ask(port, leaveCall, LEAVE_VERSION, { groupId: group.groupId, memberId, members: [] });
      return '';
    }
    const request = { groupId: group.groupId, generationId: generation, memberId };
    const { errorCode } = await client.ask(port, heartbeatCall, 3, request);
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) return '';
    if (errorCode !== ErrorCode.NONE) return memberId;
    await client.pause(PAUSE_MS + random.below(400));
  }
  return memberId;
}

/** Where the group left off. */
async function resume(
  { client, group, topic, isCoordinator }: MemberOptions,
  { port, partitions }: Membership,
): Promise<Map<number, number> | undefined> {
  const atLeast = new Map(partitions.map((partition) => [partition, group.acknowledgedOf(partition)]));
  const isSettled = isCoordinator(port);
  const { groups } = await client.ask(port, calls.offsetFetchCall, 8, {
    groups: [{ groupId: group.groupId, topics: [{ name: topic, partitionIndexes: [...partitions] }] }],
    requireStable: false,
  });
  if (groups[0]?.errorCode !== ErrorCode.NONE) return undefined;
  const positions = new Map<number, number>();
  for (const { partitionIndex, committedOffset } of groups[0].topics[0]?.partitions ?? []) {
    // What a coordinator says that was deposed without knowing it does not count, as for those who commit alone.
    if (isSettled) group.resumed(partitionIndex, committedOffset, atLeast.get(partitionIndex) ?? -1);
    positions.set(partitionIndex, Math.max(0, committedOffset));
  }
  return positions;
}

async function readOn(
  { client, history, topic }: MemberOptions,
  positions: Map<number, number>,
  partition: number,
): Promise<void> {
  const from = positions.get(partition) ?? 0;
  const leader = await client.leaderOf(topic, partition);
  const answer = leader === undefined ? undefined : await fetchAt(client, leader, topic, partition, from);
  if (answer === undefined || answer.errorCode !== ErrorCode.NONE) {
    client.forgetLeaders(topic);
    return;
  }
  for (const { offset, value } of recordsOf(answer.records)) {
    if (offset < from) continue;
    history.seeUnder(leader?.leaderEpoch ?? 0, topic, partition, offset, value);
    positions.set(partition, offset + 1);
  }
}

async function commit(
  { client, group, topic }: MemberOptions,
  { port, memberId, generation }: Membership,
  positions: ReadonlyMap<number, number>,
): Promise<number> {
  if (positions.size === 0) return ErrorCode.NONE;
  const newestWhenSent = group.newestGeneration;
  const partitions = [...positions].map(([partitionIndex, committedOffset]) => {
    group.committing(partitionIndex, committedOffset);
    return { partitionIndex, committedOffset, committedMetadata: '' };
  });
  const { topics } = await client.ask(port, calls.offsetCommitCall, 9, {
    groupId: group.groupId,
    memberId,
    generationIdOrMemberEpoch: generation,
    topics: [{ name: topic, partitions }],
  });
  let error: number = ErrorCode.NONE;
  for (const { partitionIndex, errorCode } of topics[0]?.partitions ?? []) {
    if (errorCode !== ErrorCode.NONE) error = errorCode;
    else group.committed(partitionIndex, positions.get(partitionIndex) ?? 0, generation, newestWhenSent);
  }
  return error;
}
