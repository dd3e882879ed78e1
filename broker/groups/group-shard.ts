/**
 * The groups of one partition of `__consumer_offsets`: the classic group protocol with its timers, and committed
 * offsets.
 *
 * What a group must not forget goes through `write` first and takes effect when it is committed; what it may forget
 * (who waits for whom during a rebalance) lives only here, for after a failover members come again.
 */
import type { CoordinatorRecord, CoordinatorShard } from '../coordinator-runtime/mod.ts';
import type { GroupMetadataValue } from '../protocol/generated/group-metadata-value.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type Clock, type Logger, type Random, randomUuid } from '../std/mod.ts';
import { Group } from './group.ts';
import type { GroupConfig } from './group-config.ts';
import { groupKey, groupValue, offsetKey, readGroupRecord } from './group-records.ts';
import {
  hasSameProtocols,
  type JoinResult,
  type Member,
  metadataFor,
  NO_BYTES,
  type Protocol,
  type SyncResult,
} from './member.ts';
import { type CommittedOffset, GroupOffsets } from './offsets.ts';

/** A member that vanishes during its first join is dropped after this time; its session is not watched yet. */
const NEW_MEMBER_JOIN_MS = 300_000;

export interface JoinRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly Protocol[];
  /** Version 4 and up: a new member first gets its id, and joins with it. */
  readonly requiresMemberId: boolean;
  /** Version 9 and up: a static leader that comes back is told not to assign anew. */
  readonly maySkipAssignment: boolean;
}

export interface SyncRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

type Write = (records: readonly CoordinatorRecord[], done: (errorCode: number) => void) => void;

export class GroupShard implements CoordinatorShard {
  readonly groups = new Map<string, Group>();
  readonly offsets = new Map<string, GroupOffsets>();
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly log: Logger;
  private readonly config: GroupConfig;
  private readonly write: Write;
  private isUnloaded = false;

  constructor(options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Logger;
    readonly config: GroupConfig;
    readonly write: Write;
  }) {
    this.clock = options.clock;
    this.random = options.random;
    this.log = options.log;
    this.config = options.config;
    this.write = options.write;
  }

  // ---- loading

  replay({ key, value }: CoordinatorRecord): void {
    const record = readGroupRecord(key, value);
    if (record === undefined) return;
    if (record.kind === 'offset') {
      if (record.value === null) this.forgetOffset(record.group, record.topic, record.partition);
      else this.offsetsOf(record.group).set(record.topic, record.partition, record.value);
    } else if (record.value === null) {
      this.groups.delete(record.group);
    } else {
      this.groups.set(record.group, this.restore(record.group, record.value));
    }
  }

  private restore(id: string, value: GroupMetadataValue): Group {
    const group = new Group(id, value.currentStateTimestamp === -1 ? this.clock.nowMs() : value.currentStateTimestamp);
    group.generationId = value.generation;
    group.protocolType = value.protocolType === '' ? null : value.protocolType;
    group.protocolName = value.protocol;
    for (const stored of value.members) {
      group.add({
        id: stored.memberId,
        instanceId: stored.groupInstanceId,
        clientId: stored.clientId,
        clientHost: stored.clientHost,
        rebalanceTimeoutMs: stored.rebalanceTimeout === -1 ? stored.sessionTimeout : stored.rebalanceTimeout,
        sessionTimeoutMs: stored.sessionTimeout,
        protocols: [{ name: value.protocol ?? '', metadata: stored.subscription }],
        assignment: stored.assignment,
        isNew: false,
        joining: undefined,
        syncing: undefined,
        sessionTimer: undefined,
      });
    }
    group.leader = value.leader;
    group.state = group.members.size > 0 ? 'Stable' : 'Empty';
    group.updateSubscribedTopics();
    return group;
  }

  loaded(): void {
    for (const groupId of this.offsets.keys()) {
      if (!this.groups.has(groupId)) this.groups.set(groupId, new Group(groupId, this.clock.nowMs()));
    }
    for (const group of this.groups.values()) {
      for (const member of group.members.values()) this.watchSession(group, member);
    }
  }

  unloaded(): void {
    this.isUnloaded = true;
    for (const group of this.groups.values()) this.abandon(group, ErrorCode.NOT_COORDINATOR);
    this.groups.clear();
    this.offsets.clear();
  }

  private abandon(group: Group, errorCode: number): void {
    group.become('Dead', this.clock.nowMs());
    group.rebalanceTimer?.cancel();
    group.syncTimer?.cancel();
    for (const timer of group.pendingMembers.values()) timer.cancel();
    for (const member of group.members.values()) {
      member.sessionTimer?.cancel();
      this.answerJoin(member, joinError(errorCode, member.id));
      this.answerSync(member, syncError(errorCode));
    }
  }

  // ---- join

  join(request: JoinRequest, done: (result: JoinResult) => void): void {
    const refuse = (errorCode: number, memberId = request.memberId): void => done(joinError(errorCode, memberId));
    const { sessionTimeoutMs, memberId } = request;
    if (sessionTimeoutMs < this.config.sessionTimeoutMsMin || sessionTimeoutMs > this.config.sessionTimeoutMsMax) {
      return refuse(ErrorCode.INVALID_SESSION_TIMEOUT);
    }
    let group = this.groups.get(request.groupId);
    if (group === undefined) {
      if (memberId !== '') return refuse(ErrorCode.UNKNOWN_MEMBER_ID);
      group = new Group(request.groupId, this.clock.nowMs());
      this.groups.set(group.id, group);
    }
    if (!this.accepts(group, memberId)) {
      const member = group.members.get(memberId);
      if (member !== undefined) group.remove(member);
      return refuse(ErrorCode.GROUP_MAX_SIZE_REACHED, '');
    }
    if (group.state === 'Dead') return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    if (!group.supports(request.protocolType, request.protocols)) {
      return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    }
    if (memberId === '') this.joinNew(group, request, done);
    else this.joinKnown(group, request, done);
  }

  private accepts(group: Group, memberId: string): boolean {
    const isMember = group.members.has(memberId) || group.pendingMembers.has(memberId);
    switch (group.state) {
      case 'Empty':
      case 'Dead':
        return true;
      case 'PreparingRebalance':
        return group.members.get(memberId)?.joining !== undefined || group.awaitingJoin < this.config.membersMax;
      default:
        return isMember || group.members.size < this.config.membersMax;
    }
  }

  private joinNew(group: Group, request: JoinRequest, done: (result: JoinResult) => void): void {
    const { groupInstanceId } = request;
    const memberId = `${groupInstanceId ?? request.clientId}-${randomUuid(this.random)}`;
    if (groupInstanceId !== null) {
      const previous = group.staticMembers.get(groupInstanceId);
      if (previous === undefined) this.addMember(group, memberId, request, done);
      else this.replaceStatic(group, group.members.get(previous) as Member, memberId, request, done);
      return;
    }
    if (!request.requiresMemberId) {
      this.addMember(group, memberId, request, done);
      return;
    }
    group.pendingMembers.set(
      memberId,
      this.clock.after(request.sessionTimeoutMs, () => {
        group.pendingMembers.delete(memberId);
        this.completeJoinIfAllAreHere(group);
      }),
    );
    done(joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId));
  }

  private joinKnown(group: Group, request: JoinRequest, done: (result: JoinResult) => void): void {
    const { memberId, groupInstanceId, protocols } = request;
    if (group.pendingMembers.has(memberId)) {
      this.addMember(group, memberId, request, done);
      return;
    }
    const errorCode = group.checkMember(memberId, groupInstanceId);
    if (errorCode !== ErrorCode.NONE) return done(joinError(errorCode, memberId));
    const member = group.members.get(memberId) as Member;
    switch (group.state) {
      case 'PreparingRebalance':
        this.updateMember(group, member, request, done);
        return;
      case 'CompletingRebalance':
        if (hasSameProtocols(member, protocols)) done(this.joinResult(group, member));
        else this.updateMember(group, member, request, done);
        return;
      case 'Stable':
        if (group.leader === memberId || !hasSameProtocols(member, protocols))
          this.updateMember(group, member, request, done);
        else {
          this.watchSession(group, member);
          done(this.joinResult(group, member));
        }
        return;
      default:
        done(joinError(ErrorCode.UNKNOWN_MEMBER_ID, memberId));
    }
  }

  private addMember(group: Group, memberId: string, request: JoinRequest, done: (result: JoinResult) => void): void {
    const member: Member = {
      id: memberId,
      instanceId: request.groupInstanceId,
      clientId: request.clientId,
      clientHost: request.clientHost,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
      protocols: request.protocols,
      assignment: NO_BYTES,
      isNew: true,
      joining: done,
      syncing: undefined,
      sessionTimer: undefined,
    };
    if (group.members.size === 0) group.protocolType = request.protocolType;
    group.add(member);
    if (group.state === 'PreparingRebalance' && group.isInitialRebalance) group.hasNewMember = true;
    this.watchSession(group, member);
    this.rebalance(group, 'a member joined');
  }

  private updateMember(group: Group, member: Member, request: JoinRequest, done: (result: JoinResult) => void): void {
    this.answerJoin(member, joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.id));
    member.protocols = request.protocols;
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.joining = done;
    this.watchSession(group, member);
    this.rebalance(group, 'a member rejoined');
  }

  /** A static member that restarted takes over its old place, if it can without anybody noticing (KIP-345). */
  private replaceStatic(
    group: Group,
    old: Member,
    memberId: string,
    request: JoinRequest,
    done: (result: JoinResult) => void,
  ): void {
    const wasLeader = group.leader === old.id;
    const oldLeader = group.leader;
    this.answerJoin(old, joinError(ErrorCode.FENCED_INSTANCE_ID, old.id));
    this.answerSync(old, syncError(ErrorCode.FENCED_INSTANCE_ID));
    const before = { protocols: old.protocols, ...pickTimeouts(old) };
    group.remove(old);
    const member: Member = {
      ...old,
      id: memberId,
      protocols: request.protocols,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
      joining: done,
      syncing: undefined,
      sessionTimer: undefined,
    };
    group.add(member);
    if (wasLeader) group.leader = memberId;
    this.watchSession(group, member);
    if (group.state !== 'Stable' || group.selectProtocol() !== group.protocolName) {
      this.rebalance(group, 'a static member came back');
      return;
    }
    member.joining = undefined;
    this.write([{ key: groupKey(group.id), value: groupValue(group, this.assignments(group)) }], (errorCode) => {
      if (errorCode !== ErrorCode.NONE) {
        // Undone as if the member had never come: it will try again, and find its old place as it was.
        group.remove(member);
        const restored = { ...member, id: old.id, ...before };
        group.add(restored);
        if (wasLeader) group.leader = old.id;
        this.watchSession(group, restored);
        done(joinError(errorCode, memberId));
        return;
      }
      const result = this.joinResult(group, member);
      if (!wasLeader) done(result);
      else if (request.maySkipAssignment) done({ ...result, skipAssignment: true });
      // Old clients must not find themselves leaders, or they would assign anew and write over what is in use.
      else done({ ...result, leader: oldLeader ?? '', members: [] });
    });
  }

  // ---- rebalance

  /** Starts a rebalance, or lets the one under way see whether all are here now. */
  private rebalance(group: Group, reason: string): void {
    if (group.state === 'PreparingRebalance') {
      this.completeJoinIfAllAreHere(group);
      return;
    }
    if (group.state === 'Dead' || this.isUnloaded) return;
    if (group.state === 'CompletingRebalance') this.resetAssignments(group, ErrorCode.REBALANCE_IN_PROGRESS);
    group.syncTimer?.cancel();
    group.pendingSync.clear();
    const wasEmpty = group.state === 'Empty';
    group.become('PreparingRebalance', this.clock.nowMs());
    this.log.debug({ group: group.id, generation: group.generationId, reason }, 'group rebalances');
    if (wasEmpty) {
      group.isInitialRebalance = true;
      const delayMs = this.config.initialRebalanceDelayMs;
      this.planInitialRebalance(group, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0));
      return;
    }
    group.isInitialRebalance = false;
    group.rebalanceTimer?.cancel();
    group.rebalanceTimer = this.clock.after(group.rebalanceTimeoutMs, () => this.completeJoin(group));
    this.completeJoinIfAllAreHere(group);
  }

  /** The first members of a group wait for more to come, as long as they keep coming and the time lasts. */
  private planInitialRebalance(group: Group, delayMs: number, leftMs: number): void {
    group.hasNewMember = false;
    group.rebalanceTimer?.cancel();
    group.rebalanceTimer = this.clock.after(delayMs, () => {
      if (group.hasNewMember && leftMs > 0) {
        const nextMs = Math.min(this.config.initialRebalanceDelayMs, leftMs);
        this.planInitialRebalance(group, nextMs, Math.max(leftMs - nextMs, 0));
        return;
      }
      group.isInitialRebalance = false;
      this.completeJoin(group);
    });
  }

  private completeJoinIfAllAreHere(group: Group): void {
    if (group.state !== 'PreparingRebalance' || group.isInitialRebalance) return;
    if (group.hasAllJoined) this.completeJoin(group);
  }

  private completeJoin(group: Group): void {
    if (group.state !== 'PreparingRebalance') return;
    group.rebalanceTimer?.cancel();
    for (const member of [...group.members.values()]) {
      if (member.joining === undefined && member.instanceId === null) {
        this.log.info({ group: group.id, member: member.id }, 'member did not rejoin and is removed');
        group.remove(member);
      }
    }
    if (group.members.size > 0 && !group.electJoinedLeader()) {
      // Only static members are left and none of them came: the rebalance goes on until one does or its session ends.
      group.rebalanceTimer = this.clock.after(group.rebalanceTimeoutMs, () => this.completeJoin(group));
      return;
    }
    group.generationId++;
    if (group.members.size === 0) {
      this.becomeEmpty(group);
      return;
    }
    group.protocolName = group.selectProtocol();
    group.updateSubscribedTopics();
    group.become('CompletingRebalance', this.clock.nowMs());
    for (const member of group.members.values()) {
      this.answerJoin(member, this.joinResult(group, member));
      member.isNew = false;
      group.pendingSync.add(member.id);
      this.watchSession(group, member);
    }
    group.syncTimer?.cancel();
    group.syncTimer = this.clock.after(group.rebalanceTimeoutMs, () => this.expirePendingSync(group));
  }

  private becomeEmpty(group: Group): void {
    group.protocolName = null;
    group.leader = null;
    group.updateSubscribedTopics();
    group.become('Empty', this.clock.nowMs());
    // Losing this record costs nothing: the members it would list as gone time out again after a failover.
    this.write([{ key: groupKey(group.id), value: groupValue(group, new Map()) }], (errorCode) => {
      if (errorCode !== ErrorCode.NONE) this.log.warn({ group: group.id, errorCode }, 'empty group was not written');
    });
  }

  private expirePendingSync(group: Group): void {
    if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return;
    if (group.pendingSync.size === 0) return;
    for (const memberId of [...group.pendingSync]) {
      const member = group.members.get(memberId);
      if (member === undefined) continue;
      this.log.info({ group: group.id, member: memberId }, 'member did not sync and is removed');
      group.remove(member);
    }
    this.rebalance(group, 'members did not sync in time');
  }

  private joinResult(group: Group, member: Member): JoinResult {
    const isLeader = group.leader === member.id;
    return {
      errorCode: ErrorCode.NONE,
      memberId: member.id,
      generationId: group.generationId,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      leader: group.leader ?? '',
      skipAssignment: false,
      members: isLeader
        ? [...group.members.values()].map((each) => ({
            memberId: each.id,
            groupInstanceId: each.instanceId,
            metadata: metadataFor(each, group.protocolName),
          }))
        : [],
    };
  }

  private answerJoin(member: Member, result: JoinResult): void {
    const { joining } = member;
    member.joining = undefined;
    joining?.(result);
  }

  private answerSync(member: Member, result: SyncResult): void {
    const { syncing } = member;
    member.syncing = undefined;
    syncing?.(result);
  }

  // ---- sync

  sync(request: SyncRequest, done: (result: SyncResult) => void): void {
    const refuse = (errorCode: number): void => done(syncError(errorCode));
    const { memberId, generationId, protocolType, protocolName } = request;
    const group = this.groups.get(request.groupId);
    if (group === undefined) return refuse(ErrorCode.UNKNOWN_MEMBER_ID);
    const errorCode = group.checkMember(memberId, request.groupInstanceId);
    if (errorCode !== ErrorCode.NONE) return refuse(errorCode);
    if (generationId !== group.generationId) return refuse(ErrorCode.ILLEGAL_GENERATION);
    const isOtherType = protocolType !== null && protocolType !== group.protocolType;
    const isOtherName = protocolName !== null && protocolName !== group.protocolName;
    if (isOtherType || isOtherName) return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    const member = group.members.get(memberId) as Member;
    switch (group.state) {
      case 'PreparingRebalance':
        return refuse(ErrorCode.REBALANCE_IN_PROGRESS);
      case 'Stable':
        group.pendingSync.delete(memberId);
        this.watchSession(group, member);
        done(this.syncResult(group, member));
        return;
      case 'CompletingRebalance':
        group.pendingSync.delete(memberId);
        this.answerSync(member, syncError(ErrorCode.REBALANCE_IN_PROGRESS));
        member.syncing = done;
        this.watchSession(group, member);
        if (group.leader === memberId && !group.isStoring) this.storeAssignments(group, request);
        return;
      default:
        refuse(ErrorCode.UNKNOWN_MEMBER_ID);
    }
  }

  private storeAssignments(group: Group, request: SyncRequest): void {
    const assignments = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    const { generationId } = group;
    group.isStoring = true;
    this.write([{ key: groupKey(group.id), value: groupValue(group, assignments) }], (errorCode) => {
      group.isStoring = false;
      // A rebalance that began meanwhile makes this assignment history.
      if (group.state !== 'CompletingRebalance' || group.generationId !== generationId) return;
      if (errorCode !== ErrorCode.NONE) {
        this.resetAssignments(group, errorCode);
        this.rebalance(group, 'the assignment could not be written');
        return;
      }
      group.become('Stable', this.clock.nowMs());
      for (const member of group.members.values()) {
        member.assignment = assignments.get(member.id) ?? NO_BYTES;
        if (member.syncing === undefined) continue;
        this.watchSession(group, member);
        this.answerSync(member, this.syncResult(group, member));
      }
    });
  }

  private resetAssignments(group: Group, errorCode: number): void {
    for (const member of group.members.values()) {
      member.assignment = NO_BYTES;
      this.answerSync(member, syncError(errorCode));
    }
  }

  private syncResult(group: Group, member: Member): SyncResult {
    return {
      errorCode: ErrorCode.NONE,
      protocolType: group.protocolType,
      protocolName: group.protocolName,
      assignment: member.assignment,
    };
  }

  private assignments(group: Group): Map<string, Buffer> {
    return new Map([...group.members.values()].map(({ id, assignment }) => [id, assignment]));
  }

  // ---- heartbeat, sessions, leave

  heartbeat(groupId: string, memberId: string, instanceId: string | null, generationId: number): number {
    const group = this.groups.get(groupId);
    if (group === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    const errorCode = group.checkMember(memberId, instanceId);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    if (generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION;
    if (group.state === 'Empty' || group.state === 'Dead') return ErrorCode.UNKNOWN_MEMBER_ID;
    this.watchSession(group, group.members.get(memberId) as Member);
    return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
  }

  /** Starts the member's session anew. While it waits for an answer of ours, it cannot be late with one of its own. */
  private watchSession(group: Group, member: Member): void {
    member.sessionTimer?.cancel();
    const isFirstJoin = member.isNew && member.joining !== undefined;
    const timeoutMs = isFirstJoin ? NEW_MEMBER_JOIN_MS : member.sessionTimeoutMs;
    member.sessionTimer = this.clock.after(timeoutMs, () => {
      if (group.members.get(member.id) !== member) return;
      const isWaitingForUs = (member.joining !== undefined && !isFirstJoin) || member.syncing !== undefined;
      if (isWaitingForUs) {
        this.watchSession(group, member);
        return;
      }
      this.log.info({ group: group.id, member: member.id }, 'member failed: its session expired');
      this.removeMember(group, member, 'a session expired');
    });
  }

  private removeMember(group: Group, member: Member, reason: string): void {
    group.remove(member);
    this.answerJoin(member, joinError(ErrorCode.UNKNOWN_MEMBER_ID, member.id));
    this.answerSync(member, syncError(ErrorCode.UNKNOWN_MEMBER_ID));
    if (group.state === 'PreparingRebalance') this.completeJoinIfAllAreHere(group);
    else if (group.state === 'Stable' || group.state === 'CompletingRebalance') this.rebalance(group, reason);
  }

  leave(groupId: string, leaving: { readonly memberId: string; readonly groupInstanceId: string | null }): number {
    const group = this.groups.get(groupId);
    if (group === undefined || group.state === 'Dead') return ErrorCode.UNKNOWN_MEMBER_ID;
    const { memberId, groupInstanceId } = leaving;
    const pending = group.pendingMembers.get(memberId);
    if (groupInstanceId === null && pending !== undefined) {
      pending.cancel();
      group.pendingMembers.delete(memberId);
      this.completeJoinIfAllAreHere(group);
      return ErrorCode.NONE;
    }
    // An administrator removes a static member by its instance id alone.
    const id = memberId === '' && groupInstanceId !== null ? group.staticMembers.get(groupInstanceId) : memberId;
    if (id === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    const errorCode = group.checkMember(id, groupInstanceId);
    if (errorCode !== ErrorCode.NONE) return errorCode;
    this.removeMember(group, group.members.get(id) as Member, 'a member left');
    return ErrorCode.NONE;
  }

  // ---- offsets

  offsetsOf(groupId: string): GroupOffsets {
    let offsets = this.offsets.get(groupId);
    if (offsets === undefined) {
      offsets = new GroupOffsets();
      this.offsets.set(groupId, offsets);
    }
    return offsets;
  }

  private forgetOffset(groupId: string, topic: string, partition: number): void {
    const offsets = this.offsets.get(groupId);
    offsets?.delete(topic, partition);
    if (offsets?.isEmpty === true) this.offsets.delete(groupId);
  }

  /** Whether a commit is legal, as an error code; a group that only commits comes into being with its first commit. */
  checkCommit(options: {
    readonly groupId: string;
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly generationId: number;
    readonly unknownGroupError: number;
  }): number {
    let group = this.groups.get(options.groupId);
    if (group === undefined) {
      if (options.generationId >= 0) return options.unknownGroupError;
      group = new Group(options.groupId, this.clock.nowMs());
      this.groups.set(group.id, group);
    }
    const errorCode = group.checkCommit(options.memberId, options.groupInstanceId, options.generationId);
    const member = group.members.get(options.memberId);
    if (errorCode === ErrorCode.NONE && member !== undefined) this.watchSession(group, member);
    return errorCode;
  }

  commit(
    groupId: string,
    offsets: readonly {
      readonly topic: string;
      readonly partition: number;
      readonly value: CommittedOffset;
      readonly record: CoordinatorRecord;
    }[],
    done: (errorCode: number) => void,
  ): void {
    this.write(
      offsets.map(({ record }) => record),
      (errorCode) => {
        if (errorCode === ErrorCode.NONE && !this.isUnloaded) {
          const all = this.offsetsOf(groupId);
          for (const { topic, partition, value } of offsets) all.set(topic, partition, value);
        }
        done(errorCode);
      },
    );
  }

  deleteOffsets(
    groupId: string,
    partitions: readonly { readonly topic: string; readonly partition: number }[],
    done: (errorCode: number) => void,
  ): void {
    const records = partitions
      .filter(({ topic, partition }) => this.offsets.get(groupId)?.get(topic, partition) !== undefined)
      .map(({ topic, partition }) => ({ key: offsetKey(groupId, topic, partition), value: null }));
    this.write(records, (errorCode) => {
      if (errorCode === ErrorCode.NONE) {
        for (const { topic, partition } of partitions) this.forgetOffset(groupId, topic, partition);
      }
      done(errorCode);
    });
  }

  deleteGroup(groupId: string, done: (errorCode: number) => void): void {
    const group = this.groups.get(groupId);
    if (group === undefined || group.state === 'Dead') return done(ErrorCode.GROUP_ID_NOT_FOUND);
    if (group.state !== 'Empty') return done(ErrorCode.NON_EMPTY_GROUP);
    const records: CoordinatorRecord[] = [...(this.offsets.get(groupId)?.all() ?? [])].map(({ topic, partition }) => ({
      key: offsetKey(groupId, topic, partition),
      value: null,
    }));
    records.push({ key: groupKey(groupId), value: null });
    this.write(records, (errorCode) => {
      // Somebody may have joined while the tombstones were on their way; then the group lives, without its offsets.
      if (errorCode === ErrorCode.NONE) {
        this.offsets.delete(groupId);
        if (group.state === 'Empty') this.removeGroup(group);
      }
      done(errorCode);
    });
  }

  private removeGroup(group: Group): void {
    this.abandon(group, ErrorCode.GROUP_ID_NOT_FOUND);
    this.groups.delete(group.id);
  }

  /** Offsets whose time is over, and groups that have nothing left (KIP-211). */
  expireOffsets(): void {
    const nowMs = this.clock.nowMs();
    for (const group of [...this.groups.values()]) {
      const offsets = this.offsets.get(group.id);
      const expired = [...(offsets?.all() ?? [])].filter(({ topic, offset }) =>
        this.isExpired(group, topic, offset, nowMs),
      );
      if (expired.length > 0) {
        this.deleteOffsets(group.id, expired, () => this.removeIfForgotten(group));
      } else this.removeIfForgotten(group);
    }
  }

  private isExpired(group: Group, topic: string, offset: CommittedOffset, nowMs: number): boolean {
    if (offset.expireTimestampMs !== -1) return nowMs >= offset.expireTimestampMs;
    const retentionMs = this.config.offsetsRetentionMs;
    if (group.protocolType === null) return nowMs - offset.commitTimestampMs >= retentionMs;
    if (group.state === 'Empty') return nowMs - Math.max(group.stateSinceMs, offset.commitTimestampMs) >= retentionMs;
    if (group.protocolType !== 'consumer' || group.state !== 'Stable' || group.subscribedTopics === undefined)
      return false;
    return !group.subscribedTopics.has(topic) && nowMs - offset.commitTimestampMs >= retentionMs;
  }

  private removeIfForgotten(group: Group): void {
    const isForgotten = group.state === 'Empty' && group.pendingMembers.size === 0 && !this.offsets.has(group.id);
    if (!isForgotten || this.groups.get(group.id) !== group) return;
    this.write([{ key: groupKey(group.id), value: null }], (errorCode) => {
      const isStill = errorCode === ErrorCode.NONE && group.state === 'Empty' && !this.offsets.has(group.id);
      if (isStill && group.pendingMembers.size === 0) this.removeGroup(group);
    });
  }

  topicsDeleted(topics: ReadonlySet<string>): void {
    for (const [groupId, offsets] of [...this.offsets]) {
      const gone = [...offsets.all()].filter(({ topic }) => topics.has(topic));
      if (gone.length > 0) this.deleteOffsets(groupId, gone, () => {});
    }
  }
}

function pickTimeouts({ rebalanceTimeoutMs, sessionTimeoutMs }: Member): {
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
} {
  return { rebalanceTimeoutMs, sessionTimeoutMs };
}

export function joinError(errorCode: number, memberId: string): JoinResult {
  return {
    errorCode,
    memberId,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    members: [],
  };
}

export function syncError(errorCode: number): SyncResult {
  return { errorCode, protocolType: null, protocolName: null, assignment: NO_BYTES };
}
