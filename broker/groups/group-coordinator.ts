/** The group coordinator of this broker: finds the shard of a group, and answers for all of them. */
import { type CoordinatorLog, CoordinatorRuntime, partitionOfKey } from '../coordinator-runtime/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type Runtime, type Timer, ZERO_UUID } from '../std/mod.ts';
import type { Group } from './group.ts';
import type { GroupConfig } from './group-config.ts';
import { offsetKey, offsetValue } from './group-records.ts';
import { GroupShard, type JoinRequest, joinError, type SyncRequest, syncError } from './group-shard.ts';
import { type JoinResult, metadataFor, NO_BYTES, type SyncResult } from './member.ts';
import type { CommittedOffset } from './offsets.ts';

export interface OffsetToCommit {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

export interface CommitRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
  /** -1: the broker's. */
  readonly retentionMs: number;
  /** What a generation of a group that does not exist is answered with; clients learned a better word over time. */
  readonly unknownGroupError: number;
  readonly offsets: readonly OffsetToCommit[];
}

export interface GroupDescription {
  readonly errorCode: number;
  readonly groupId: string;
  readonly state: string;
  readonly protocolType: string;
  readonly protocolName: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    readonly metadata: Buffer;
    readonly assignment: Buffer;
  }[];
}

/** What the coordinator asks of the cluster. */
export interface TopicLookup {
  partitionCount(topic: string): number | undefined;
  topicId(topic: string): string | undefined;
  topicName(topicId: string): string | undefined;
}

export class GroupCoordinator {
  private readonly runtime: Runtime;
  private readonly config: GroupConfig;
  private readonly topics: TopicLookup;
  private readonly shards: CoordinatorRuntime<GroupShard>;
  private expiryTimer: Timer | undefined;

  constructor(options: { readonly runtime: Runtime; readonly config: GroupConfig; readonly topics: TopicLookup }) {
    const { runtime, config } = options;
    this.runtime = runtime;
    this.config = config;
    this.topics = options.topics;
    this.shards = new CoordinatorRuntime({
      clock: runtime.clock,
      log: runtime.log,
      commitTimeoutMs: config.commitTimeoutMs,
      create: (partition) =>
        new GroupShard({
          clock: runtime.clock,
          random: runtime.random,
          log: runtime.log,
          config,
          write: (records, done) => this.shards.write(partition, records, done),
        }),
    });
    this.planExpiry();
  }

  private planExpiry(): void {
    this.expiryTimer = this.runtime.clock.after(this.config.offsetsRetentionCheckMs, () => {
      for (const shard of this.shards.active()) shard.expireOffsets();
      this.planExpiry();
    });
  }

  partitionFor(groupId: string): number {
    return partitionOfKey(groupId, this.topics.partitionCount('__consumer_offsets') ?? this.config.offsetsPartitions);
  }

  onElection(partition: number, log: CoordinatorLog): void {
    this.shards.elected(partition, log);
  }

  onResignation(partition: number): void {
    this.shards.resigned(partition);
  }

  topicsDeleted(topics: readonly string[]): void {
    const names = new Set(topics);
    for (const shard of this.shards.active()) shard.topicsDeleted(names);
  }

  private shardOf(groupId: string): GroupShard | number {
    return this.shards.shard(this.partitionFor(groupId));
  }

  joinGroup(request: JoinRequest): Promise<JoinResult> {
    if (request.groupId === '') return Promise.resolve(joinError(ErrorCode.INVALID_GROUP_ID, request.memberId));
    const shard = this.shardOf(request.groupId);
    if (typeof shard === 'number') return Promise.resolve(joinError(shard, request.memberId));
    return new Promise((resolve) => shard.join(request, resolve));
  }

  syncGroup(request: SyncRequest): Promise<SyncResult> {
    if (request.groupId === '') return Promise.resolve(syncError(ErrorCode.INVALID_GROUP_ID));
    const shard = this.shardOf(request.groupId);
    if (typeof shard === 'number') {
      // A client that syncs while the coordinator loads joins again, and waits there.
      const isLoading = shard === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
      return Promise.resolve(syncError(isLoading ? ErrorCode.REBALANCE_IN_PROGRESS : shard));
    }
    return new Promise((resolve) => shard.sync(request, resolve));
  }

  heartbeat(groupId: string, memberId: string, groupInstanceId: string | null, generationId: number): number {
    if (groupId === '') return ErrorCode.INVALID_GROUP_ID;
    const shard = this.shardOf(groupId);
    // While the state loads nothing is known of the member: to say yes keeps it from rejoining for no reason.
    if (shard === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return ErrorCode.NONE;
    if (typeof shard === 'number') return shard;
    return shard.heartbeat(groupId, memberId, groupInstanceId, generationId);
  }

  leaveGroup(
    groupId: string,
    members: readonly { readonly memberId: string; readonly groupInstanceId: string | null }[],
  ): number | { readonly memberId: string; readonly groupInstanceId: string | null; readonly errorCode: number }[] {
    if (groupId === '') return ErrorCode.INVALID_GROUP_ID;
    const shard = this.shardOf(groupId);
    if (typeof shard === 'number') return shard;
    return members.map((member) => ({ ...member, errorCode: shard.leave(groupId, member) }));
  }

  /** The error codes of the offsets, in their order. */
  async commitOffsets(request: CommitRequest): Promise<readonly number[]> {
    const { groupId, offsets } = request;
    const all = (errorCode: number): number[] => offsets.map(() => errorCode);
    const shard = this.shardOf(groupId);
    if (typeof shard === 'number') return all(shard);
    const errorCode = shard.checkCommit(request);
    if (errorCode !== ErrorCode.NONE) return all(errorCode);
    const nowMs = this.runtime.clock.nowMs();
    const results = offsets.map((offset) => this.checkOffset(offset));
    const accepted = offsets.flatMap((offset, index) => {
      if (results[index] !== ErrorCode.NONE) return [];
      const value: CommittedOffset = {
        offset: offset.offset,
        leaderEpoch: offset.leaderEpoch,
        metadata: offset.metadata ?? '',
        commitTimestampMs: nowMs,
        expireTimestampMs: request.retentionMs === -1 ? -1 : nowMs + request.retentionMs,
        topicId: offset.topicId,
      };
      const record = { key: offsetKey(groupId, offset.topic, offset.partition), value: offsetValue(value) };
      return [{ topic: offset.topic, partition: offset.partition, value, record }];
    });
    const written = await new Promise<number>((resolve) => shard.commit(groupId, accepted, resolve));
    return results.map((result) => (result === ErrorCode.NONE ? written : result));
  }

  private checkOffset({ topic, partition, metadata }: OffsetToCommit): number {
    const count = this.topics.partitionCount(topic);
    if (count === undefined || partition < 0 || partition >= count) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const isTooLong = metadata !== null && Buffer.byteLength(metadata) > this.config.offsetMetadataBytesMax;
    return isTooLong ? ErrorCode.OFFSET_METADATA_TOO_LARGE : ErrorCode.NONE;
  }

  /** All offsets of a group by topic, or the error code that stands for them. */
  fetchOffsets(groupId: string): ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>> | number {
    const shard = this.shardOf(groupId);
    if (typeof shard === 'number') return shard;
    return shard.offsets.get(groupId)?.byTopic() ?? new Map();
  }

  /** An offset of a topic that was deleted and made anew belongs to the old one. */
  isOfThisTopic(topic: string, offset: CommittedOffset): boolean {
    return offset.topicId === ZERO_UUID || offset.topicId === this.topics.topicId(topic);
  }

  async deleteOffsets(
    groupId: string,
    partitions: readonly { readonly topic: string; readonly partition: number }[],
  ): Promise<{ readonly errorCode: number; readonly results: readonly number[] }> {
    const refuse = (errorCode: number) => ({ errorCode, results: partitions.map(() => errorCode) });
    if (groupId === '') return refuse(ErrorCode.INVALID_GROUP_ID);
    const shard = this.shardOf(groupId);
    if (typeof shard === 'number') return refuse(shard);
    const group = shard.groups.get(groupId);
    if (group === undefined || group.state === 'Dead') return refuse(ErrorCode.GROUP_ID_NOT_FOUND);
    if (group.state !== 'Empty' && group.protocolType !== 'consumer') return refuse(ErrorCode.NON_EMPTY_GROUP);
    const results = partitions.map(({ topic, partition }) => {
      const count = this.topics.partitionCount(topic);
      if (count === undefined || partition < 0 || partition >= count) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      const isSubscribed = group.subscribedTopics?.has(topic) === true && group.members.size > 0;
      return isSubscribed ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE;
    });
    const accepted = partitions.filter((_, index) => results[index] === ErrorCode.NONE);
    const written = await new Promise<number>((resolve) => shard.deleteOffsets(groupId, accepted, resolve));
    return {
      errorCode: ErrorCode.NONE,
      results: results.map((result) => (result === ErrorCode.NONE ? written : result)),
    };
  }

  /** Undefined for a group that does not exist. */
  describeGroup(groupId: string): GroupDescription | undefined {
    const shard = this.shardOf(groupId);
    if (typeof shard === 'number') {
      return { errorCode: shard, groupId, state: '', protocolType: '', protocolName: '', members: [] };
    }
    const group = shard.groups.get(groupId);
    if (group === undefined || group.state === 'Dead') return undefined;
    const isStable = group.state === 'Stable';
    return {
      errorCode: ErrorCode.NONE,
      groupId,
      state: group.state,
      protocolType: group.protocolType ?? '',
      protocolName: isStable ? (group.protocolName ?? '') : '',
      members: [...group.members.values()].map((member) => ({
        memberId: member.id,
        groupInstanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        metadata: isStable ? metadataFor(member, group.protocolName) : NO_BYTES,
        assignment: isStable ? member.assignment : NO_BYTES,
      })),
    };
  }

  /** Every group that is led here, or the error code while some are still loading. */
  listGroups(): Group[] | number {
    if (this.shards.isLoading) return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
    return [...this.shards.active()].flatMap((shard) => [...shard.groups.values()]);
  }

  deleteGroup(groupId: string): Promise<number> {
    const shard = this.shardOf(groupId);
    if (typeof shard === 'number') return Promise.resolve(shard);
    return new Promise((resolve) => shard.deleteGroup(groupId, resolve));
  }

  countByState(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const shard of this.shards.active()) {
      for (const { state } of shard.groups.values()) counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  }

  *committedOffsets(): Iterable<{ groupId: string; topic: string; partition: number; offset: number }> {
    for (const shard of this.shards.active()) {
      for (const [groupId, offsets] of shard.offsets) {
        for (const { topic, partition, offset } of offsets.all())
          yield { groupId, topic, partition, offset: offset.offset };
      }
    }
  }

  async close(): Promise<void> {
    this.expiryTimer?.cancel();
    this.shards.close();
  }
}
