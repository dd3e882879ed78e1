/**
 * The replicas of this broker, kept in step with the metadata: what the image assigns here exists, what it removed
 * goes.
 */
import type { LogConfig, LogManager, PartitionLog } from '../log/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Logger } from '../std/mod.ts';
import { type LeadershipState, Replica } from './replica.ts';

export interface PartitionAssignment {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly state: LeadershipState;
}

/** What a topic's configs mean to its replicas. */
export interface ReplicaConfig {
  readonly log: LogConfig;
  readonly minInSyncReplicas: number;
}

export class ReplicaManager {
  private readonly nodeId: number;
  private readonly logs: LogManager;
  private readonly log: Logger;
  private readonly configOf: (topic: string) => ReplicaConfig;
  private readonly topics = new Map<string, Map<number, Replica>>();
  /** Partitions that the cluster has but this broker does not hold, so that their requests get the right error. */
  private isKnownPartition: (topic: string, partition: number) => boolean = () => false;

  constructor(options: {
    readonly nodeId: number;
    readonly logs: LogManager;
    readonly log: Logger;
    readonly configOf: (topic: string) => ReplicaConfig;
    readonly isKnownPartition: (topic: string, partition: number) => boolean;
  }) {
    this.nodeId = options.nodeId;
    this.logs = options.logs;
    this.log = options.log;
    this.configOf = options.configOf;
    this.isKnownPartition = options.isKnownPartition;
  }

  get(topic: string, partition: number): Replica | undefined {
    return this.topics.get(topic)?.get(partition);
  }

  /** The replica that leads the partition, or the error code that says why there is none here. */
  leaderOf(topic: string, partition: number): Replica | number {
    const replica = this.get(topic, partition);
    if (replica === undefined) {
      return this.isKnownPartition(topic, partition)
        ? ErrorCode.NOT_LEADER_OR_FOLLOWER
        : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    }
    return replica.isLeader ? replica : ErrorCode.NOT_LEADER_OR_FOLLOWER;
  }

  *all(): Iterable<Replica> {
    for (const partitions of this.topics.values()) yield* partitions.values();
  }

  /** Creates or updates the replica of an assignment that includes this broker. */
  async apply(assignment: PartitionAssignment): Promise<Replica> {
    const { topic, topicId, partition, state } = assignment;
    const existing = this.get(topic, partition);
    if (existing !== undefined && existing.topicId === topicId) {
      existing.updateState(state);
      return existing;
    }
    if (existing !== undefined) await this.remove(topic, partition);
    const config = this.configOf(topic);
    const replica = new Replica({
      topic,
      topicId,
      partition,
      nodeId: this.nodeId,
      state,
      log: await this.openLog(assignment, config.log),
      minInSyncReplicas: config.minInSyncReplicas,
    });
    let partitions = this.topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.topics.set(topic, partitions);
    }
    partitions.set(partition, replica);
    return replica;
  }

  /** A folder of the same name but another topic id belongs to a deleted topic: it is set aside, never reused. */
  private async openLog({ topic, topicId, partition }: PartitionAssignment, config: LogConfig): Promise<PartitionLog> {
    const existing = this.logs.get(topic, partition);
    if (existing !== undefined && existing.topicId === topicId) {
      existing.updateConfig(config);
      return existing;
    }
    if (existing !== undefined) {
      this.log.warn({ topic, partition, topicId, found: existing.topicId }, 'log of another topic id set aside');
      await this.logs.markStray(topic, partition);
    }
    return this.logs.create(topic, partition, topicId, config);
  }

  /** The partition was deleted, or moved away: its log goes. */
  async remove(topic: string, partition: number): Promise<void> {
    const partitions = this.topics.get(topic);
    const replica = partitions?.get(partition);
    if (partitions === undefined || replica === undefined) return;
    partitions.delete(partition);
    if (partitions.size === 0) this.topics.delete(topic);
    replica.close();
    await this.logs.delete(topic, partition);
  }

  configChanged(topic: string): void {
    const partitions = this.topics.get(topic);
    if (partitions === undefined) return;
    const config = this.configOf(topic);
    for (const replica of partitions.values()) {
      replica.log.updateConfig(config.log);
      replica.minInSyncReplicas = config.minInSyncReplicas;
    }
  }

  /** The broker's defaults changed, so any topic's effective config may have. */
  allConfigsChanged(): void {
    for (const topic of this.topics.keys()) this.configChanged(topic);
  }
}
