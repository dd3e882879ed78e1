/**
 * The replicas of this broker, kept in step with the metadata: what the image assigns here exists and leads or follows
 * as the image says, what it removed goes.
 */
import type { LogConfig, LogManager, PartitionLog } from '../log/mod.ts';
import {
  ConfigResource,
  configKey,
  type MetadataDelta,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { BrokerError, type Runtime, type Timer } from '../std/mod.ts';
import { AlterPartitionQueue } from './alter-partition-queue.ts';
import { ReplicationCounters } from './counters.ts';
import { FetcherManager } from './fetcher-manager.ts';
import { FollowerSessions } from './follower-sessions.ts';
import { fateOfLog } from './leftover-logs.ts';
import { type Cluster, NO_PEERS } from './peers.ts';
import { type LeadershipState, Replica, type ReplicaContext } from './replica.ts';
import { DEFAULT_REPLICATION_CONFIG, type ReplicationConfig } from './replication-config.ts';
import { isThrottled, ReplicationThrottle, type ThrottledPartitions } from './throttle.ts';

export interface PartitionAssignment {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly state: LeadershipState;
  /** The log folder that the controller chose. */
  readonly directoryId?: string | undefined;
}

/** What a topic's configs mean to its replicas. */
export interface ReplicaConfig {
  readonly log: LogConfig;
  readonly minInSyncReplicas: number;
  /** `leader.` and `follower.replication.throttled.replicas`, as they concern this broker. */
  readonly throttledAsLeader?: ThrottledPartitions;
  readonly throttledAsFollower?: ThrottledPartitions;
}

/** `leader.` and `follower.replication.throttled.rate`, in bytes a second. */
export interface ThrottleRates {
  readonly leader: number;
  readonly follower: number;
}

/** Work on many partitions gives others a turn of the loop after so long. */
const SLICE_MS = 5;
/** How long an image waits for the logs that it asks for before the next one may be applied. */
const CREATION_PATIENCE_MS = 250;
/** A disk that was full is asked again this often whether it still is. */
const REFUSED_RETRY_MS = 1000;
const UNTHROTTLED: ThrottleRates = { leader: Number.MAX_SAFE_INTEGER, follower: Number.MAX_SAFE_INTEGER };

export class ReplicaManager {
  readonly counters = new ReplicationCounters();
  /** The fetches of this broker's followers. */
  readonly followerSessions: FollowerSessions;
  private readonly nodeId: number;
  private readonly logs: LogManager;
  private readonly runtime: Runtime;
  private readonly configOf: (topic: string) => ReplicaConfig;
  private readonly context: ReplicaContext;
  private readonly changes: AlterPartitionQueue;
  private readonly fetchers: FetcherManager;
  private readonly leaderThrottle: ReplicationThrottle;
  private readonly topics = new Map<string, Map<number, Replica>>();
  private readonly topicNames = new Map<string, string>();
  private readonly configs = new Map<string, ReplicaConfig>();
  private readonly leadershipChanged: (replica: Replica) => void;
  /** Partitions of this broker whose log cannot be opened, as `<topic>-<partition>`. */
  private readonly offline = new Set<string>();
  /** Partitions that the cluster has but this broker does not hold, so that their requests get the right error. */
  private readonly isKnownPartition: (topic: string, partition: number) => boolean;
  /** Assigned here, and waiting for their logs to be made; as the newest image has them. */
  private readonly missing = new Map<string, PartitionAssignment>();
  private making: Promise<void> | undefined;
  /** Whether the newest image tells of removals for certain; else logs that it lacks are set aside, not deleted. */
  private isCertain = true;
  /** Assigned here, and refused by a disk that was full or failing when their logs were to be made. */
  private readonly refused = new Map<string, PartitionAssignment>();
  private lagTimer: Timer | undefined;
  private isClosed = false;

  constructor(options: {
    readonly nodeId: number;
    readonly logs: LogManager;
    readonly runtime: Runtime;
    readonly configOf: (topic: string) => ReplicaConfig;
    readonly isKnownPartition: (topic: string, partition: number) => boolean;
    readonly config?: ReplicationConfig;
    readonly cluster?: Cluster;
    readonly throttleRates?: () => ThrottleRates;
    /** Called when a replica begins or ceases to lead, or leads under a new epoch; also when it leaves this broker. */
    readonly leadershipChanged?: (replica: Replica) => void;
  }) {
    const { nodeId, runtime, config = DEFAULT_REPLICATION_CONFIG, cluster = NO_PEERS } = options;
    const { counters } = this;
    const rates = options.throttleRates ?? (() => UNTHROTTLED);
    this.nodeId = nodeId;
    this.logs = options.logs;
    this.runtime = runtime;
    this.configOf = options.configOf;
    this.isKnownPartition = options.isKnownPartition;
    this.leadershipChanged = options.leadershipChanged ?? (() => {});
    this.changes = new AlterPartitionQueue({
      runtime,
      nodeId,
      brokerEpoch: () => cluster.brokerEpoch(),
      send: (request) => cluster.alterPartition(request),
    });
    this.context = { nodeId, runtime, config, cluster, changes: this.changes, counters };
    this.leaderThrottle = new ReplicationThrottle(runtime.clock, () => rates().leader);
    this.fetchers = new FetcherManager({
      nodeId,
      runtime,
      config,
      cluster,
      counters,
      throttle: new ReplicationThrottle(runtime.clock, () => rates().follower),
      isThrottled: ({ topic, partition }) => isThrottled(this.configs.get(topic)?.throttledAsFollower, partition),
    });
    this.followerSessions = new FollowerSessions({
      random: runtime.random,
      host: {
        clock: runtime.clock,
        log: runtime.log,
        find: (topicId, partition) => this.findById(topicId, partition),
        isHeldBack: (replica, followerId) => this.isHeldBack(replica, followerId),
        sent: (replica, followerId, bytes) => this.countSent(replica, followerId, bytes),
      },
    });
    this.watchLag();
  }

  get(topic: string, partition: number): Replica | undefined {
    return this.topics.get(topic)?.get(partition);
  }

  /** The replica that leads the partition, or the error code that says why there is none here. */
  leaderOf(topic: string, partition: number): Replica | number {
    const replica = this.replicaOf(topic, partition);
    if (typeof replica === 'number') return replica;
    return replica.isLeader ? replica : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  /** The replica of the partition, leader or follower, or the error code that says why there is none here. */
  replicaOf(topic: string, partition: number): Replica | number {
    const replica = this.get(topic, partition);
    if (replica !== undefined) return replica;
    if (this.offline.has(`${topic}-${partition}`)) return ErrorCode.KAFKA_STORAGE_ERROR;
    return this.isKnownPartition(topic, partition)
      ? ErrorCode.NOT_LEADER_OR_FOLLOWER
      : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  private findById(topicId: string, partition: number): Replica | number {
    const topic = this.topicNames.get(topicId);
    if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
    const replica = this.get(topic, partition);
    return replica?.topicId === topicId ? replica : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  *all(): Iterable<Replica> {
    for (const partitions of this.topics.values()) yield* partitions.values();
  }

  get offlineCount(): number {
    return this.offline.size;
  }

  /** The most records that a partition here is behind its leader. */
  get maxLag(): number {
    return this.fetchers.maxLag;
  }

  /**
   * Puts into effect what changed in the image. Partitions that are here already move at once, so that a failover waits
   * for nothing. Logs of new ones are made afterwards, in slices; the promise waits for them a little, so that whoever
   * made a topic finds it, and not for long, so that later images need not wait for ten thousand.
   */
  async applyImage(
    image: MetadataImage,
    delta: Pick<MetadataDelta, 'changedTopics' | 'removedTopics' | 'changedConfigs' | 'isCertain'>,
  ): Promise<void> {
    this.isCertain = delta.isCertain;
    const pause = this.slices();
    const moving: Promise<void>[] = [];
    for (const topic of delta.removedTopics) {
      for (const { partition } of topic.partitions) {
        this.forget(topic.name, topic.id, partition);
        await this.remove(topic.name, topic.id, partition);
        await pause();
      }
    }
    for (const name of this.concernedTopics(delta)) {
      const topic = image.topicsByName.get(name);
      for (const state of topic?.partitions ?? []) {
        const moved = this.place(topic as TopicImage, state);
        if (moved !== undefined) moving.push(moved);
        await pause();
      }
    }
    await Promise.all(moving);
    if (this.missing.size > 0) await this.makeMissing();
    this.fetchers.closeIdle();
  }

  /** Topics whose partitions or configs changed; the configs of their logs are those of the image already. */
  private concernedTopics({
    changedTopics,
    changedConfigs,
  }: Pick<MetadataDelta, 'changedTopics' | 'changedConfigs'>): Set<string> {
    const names = new Set(changedTopics);
    const changed = (name: string): void => {
      this.configChanged(name);
      names.add(name);
    };
    // Topics inherit what is set for this broker, or for all.
    if (['', String(this.nodeId)].some((id) => changedConfigs.has(configKey(ConfigResource.broker, id)))) {
      for (const name of this.topics.keys()) changed(name);
      for (const { topic } of this.missing.values()) changed(topic);
      return names;
    }
    for (const key of changedConfigs) {
      const [type, ...name] = key.split('/');
      if (Number(type) === ConfigResource.topic) changed(name.join('/'));
    }
    return names;
  }

  /** Resolves when no log waits to be made any more. */
  async settled(): Promise<void> {
    while (this.making !== undefined) await this.making;
  }

  /** One partition as the image has it: moved, awaited, or gone from here. */
  private place(topic: TopicImage, state: PartitionImage): Promise<void> | undefined {
    const { name, id } = topic;
    const { partition } = state;
    const existing = this.get(name, partition);
    const isOurs = state.replicas.includes(this.nodeId);
    if (existing !== undefined && isOurs && existing.topicId === id) return this.move(existing, state);
    const directoryId = state.directories[state.replicas.indexOf(this.nodeId)];
    const assignment = { topic: name, topicId: id, partition, state, directoryId };
    this.refused.delete(`${name}/${partition}`);
    if (isOurs) this.missing.set(`${name}/${partition}`, assignment);
    else this.forget(name, id, partition);
    if (existing !== undefined) return this.remove(name, existing.topicId, partition);
    const isLeft = !isOurs && this.logs.get(name, partition)?.topicId === id;
    return isLeft ? this.remove(name, id, partition) : undefined;
  }

  private forget(topic: string, topicId: string, partition: number): void {
    const key = `${topic}/${partition}`;
    if (this.missing.get(key)?.topicId === topicId) this.missing.delete(key);
    if (this.refused.get(key)?.topicId === topicId) this.refused.delete(key);
    this.offline.delete(`${topic}-${partition}`);
  }

  private async makeMissing(): Promise<void> {
    this.making ??= this.createAll()
      .catch((error: unknown) => {
        this.runtime.log.error({ err: error }, 'replicas could not be created');
        throw error;
      })
      .finally(() => {
        this.making = undefined;
      });
    let timer: Timer | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = this.runtime.clock.after(CREATION_PATIENCE_MS, resolve);
    });
    await Promise.race([this.making, patience]);
    timer?.cancel();
  }

  /** Makes what is missing, as the newest image has it by then: it may ask for something else while a log is made. */
  private async createAll(): Promise<void> {
    const pause = this.slices();
    for (let first = firstOf(this.missing); first !== undefined && !this.isClosed; first = firstOf(this.missing)) {
      const [key, assignment] = first;
      await this.apply(assignment);
      const wanted = this.missing.get(key);
      if (wanted === assignment) this.missing.delete(key);
      else if (wanted === undefined) await this.remove(assignment.topic, assignment.topicId, assignment.partition);
      await pause();
    }
  }

  private tryLater(assignment: PartitionAssignment): void {
    this.refused.set(`${assignment.topic}/${assignment.partition}`, assignment);
    if (this.refused.size > 1) return;
    this.runtime.clock.after(REFUSED_RETRY_MS, () => {
      if (this.isClosed) return;
      for (const [key, refused] of this.refused) if (!this.missing.has(key)) this.missing.set(key, refused);
      this.refused.clear();
      this.makeMissing().catch(() => {});
    });
  }

  /** Lets others have their turn whenever a slice is used up. */
  private slices(): () => Promise<void> | undefined {
    const { clock } = this.runtime;
    let endsMs = clock.monotonicMs() + SLICE_MS;
    return () => {
      if (clock.monotonicMs() < endsMs) return undefined;
      return new Promise((resolve) => {
        clock.after(0, () => {
          endsMs = clock.monotonicMs() + SLICE_MS;
          resolve();
        });
      });
    };
  }

  /** Creates or updates the replica of an assignment that includes this broker; undefined when its log is offline. */
  async apply(assignment: PartitionAssignment): Promise<Replica | undefined> {
    const { topic, topicId, partition, state } = assignment;
    const existing = this.get(topic, partition);
    if (existing !== undefined && existing.topicId === topicId) {
      await this.move(existing, state);
      return existing;
    }
    if (existing !== undefined) await this.remove(topic, existing.topicId, partition);
    return this.create(assignment);
  }

  private move(replica: Replica, state: LeadershipState): Promise<void> | undefined {
    const epochBefore = replica.leaderEpoch;
    const settled = (): void => {
      this.fetchers.update(replica);
      if (replica.leaderEpoch !== epochBefore) this.leadershipChanged(replica);
    };
    const moving = replica.updateState(state, this.replicaConfig(replica.topic).minInSyncReplicas);
    if (moving !== undefined) return moving.then(settled);
    settled();
    return undefined;
  }

  private async create(assignment: PartitionAssignment): Promise<Replica | undefined> {
    const { topic, topicId, partition, state } = assignment;
    const config = this.replicaConfig(topic);
    let log: PartitionLog;
    try {
      log = await this.openLog(assignment, config.log);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      this.runtime.log.error({ topic, partition, err: error }, 'replica is offline');
      this.offline.add(`${topic}-${partition}`);
      // A log that is there and cannot be read stays as it is. One that could not be made may be made later.
      if (error.code !== 'log.offline') this.tryLater(assignment);
      return undefined;
    }
    this.offline.delete(`${topic}-${partition}`);
    const replica = new Replica({
      topic,
      topicId,
      partition,
      context: this.context,
      state,
      log,
      minInSyncReplicas: config.minInSyncReplicas,
    });
    let partitions = this.topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.topics.set(topic, partitions);
    }
    partitions.set(partition, replica);
    this.topicNames.set(topicId, topic);
    // The config changed while the log was made.
    if (this.configs.get(topic) !== config) this.configChanged(topic);
    this.fetchers.update(replica);
    this.leadershipChanged(replica);
    return replica;
  }

  private replicaConfig(topic: string): ReplicaConfig {
    let config = this.configs.get(topic);
    if (config === undefined) {
      config = this.configOf(topic);
      this.configs.set(topic, config);
    }
    return config;
  }

  /** A folder of the same name but another topic id belongs to a deleted topic: it is set aside, never reused. */
  private async openLog(assignment: PartitionAssignment, config: LogConfig): Promise<PartitionLog> {
    const { topic, topicId, partition, directoryId } = assignment;
    const existing = this.logs.get(topic, partition);
    if (existing !== undefined && existing.topicId === topicId) {
      existing.updateConfig(config);
      return existing;
    }
    if (existing !== undefined) {
      const fields = { topic, partition, topicId, found: existing.topicId };
      this.runtime.log.warn(fields, 'log of another topic id set aside');
      await this.logs.markStray(topic, partition);
    }
    return this.logs.create(topic, partition, topicId, config, directoryId);
  }

  /** The partition was deleted, or moved away: its log goes, whether or not a replica was made of it yet. */
  private async remove(topic: string, topicId: string, partition: number): Promise<void> {
    this.offline.delete(`${topic}-${partition}`);
    const replica = this.get(topic, partition);
    if (replica?.topicId === topicId) this.closeReplica(replica);
    if (this.logs.get(topic, partition)?.topicId !== topicId) return;
    if (this.isCertain) await this.logs.delete(topic, partition);
    else await this.setAside(topic, partition);
  }

  private closeReplica(replica: Replica): void {
    const { topic, partition } = replica;
    const partitions = this.topics.get(topic);
    partitions?.delete(partition);
    if (partitions?.size === 0) {
      this.topics.delete(topic);
      this.topicNames.delete(replica.topicId);
      this.configs.delete(topic);
    }
    this.fetchers.remove(replica);
    replica.close();
    this.leadershipChanged(replica);
  }

  private async setAside(topic: string, partition: number): Promise<void> {
    const topicId = this.logs.get(topic, partition)?.topicId;
    this.runtime.log.error(
      { topic, partition, topicId },
      'the metadata has no such replica here and does not say that it was removed: log set aside as -stray',
    );
    await this.logs.markStray(topic, partition);
  }

  /**
   * Once, when this broker has registered and before it applies its first image: of the logs on its disk those go that
   * are no replicas of it any more. `before` is the image that it acted on last.
   */
  async retireLeftovers(before: MetadataImage, image: MetadataImage, isCertain: boolean): Promise<void> {
    const { nodeId } = this;
    const pause = this.slices();
    for (const log of [...this.logs.all()]) {
      const { topic, topicId, partition } = log;
      const fate = fateOfLog(log, { nodeId, before, image, isCertain });
      if (fate === 'served' || log.logFolder.isOffline) continue;
      if (fate === 'deleted') {
        this.runtime.log.info({ topic, partition, topicId }, 'log deleted that was removed from this broker meanwhile');
        await this.logs.delete(topic, partition);
      } else await this.setAside(topic, partition);
      await pause();
    }
  }

  /** Min.insync.replicas waits for `updateState`. */
  private configChanged(topic: string): void {
    this.configs.delete(topic);
    const partitions = this.topics.get(topic);
    if (partitions === undefined) return;
    const config = this.replicaConfig(topic);
    for (const replica of partitions.values()) replica.log.updateConfig(config.log);
  }

  /** Twice per lag time, as Kafka does: a follower leaves the in-sync set one and a half lag times after it stopped. */
  private watchLag(): void {
    this.lagTimer = this.runtime.clock.after(this.context.config.lagTimeMaxMs / 2, () => {
      this.checkLag().finally(() => {
        if (!this.isClosed) this.watchLag();
      });
    });
  }

  private async checkLag(): Promise<void> {
    const pause = this.slices();
    for (const replica of this.all()) {
      replica.checkLag();
      await pause();
    }
  }

  private isHeldBack(replica: Replica, followerId: number): boolean {
    const throttled = this.configs.get(replica.topic)?.throttledAsLeader;
    if (!isThrottled(throttled, replica.partition) || replica.inSyncReplicas.includes(followerId)) return false;
    return this.leaderThrottle.isExceeded;
  }

  private countSent(replica: Replica, followerId: number, bytes: number): void {
    this.counters.replicationBytesOut += bytes;
    if (replica.isAdding(followerId)) this.counters.reassignmentBytesOut += bytes;
    const throttled = this.configs.get(replica.topic)?.throttledAsLeader;
    if (isThrottled(throttled, replica.partition)) this.leaderThrottle.record(bytes);
  }

  /** Stops fetching and asking. Logs are their owner's to close. */
  close(): void {
    this.isClosed = true;
    this.lagTimer?.cancel();
    this.fetchers.close();
    this.followerSessions.close();
    this.changes.close();
  }
}

function firstOf<Key, Value>(map: ReadonlyMap<Key, Value>): readonly [Key, Value] | undefined {
  for (const entry of map) return entry;
  return undefined;
}
