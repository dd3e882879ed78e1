/** A controller of the simplest kind that keeps Kafka's rules of epochs. */
import { EMPTY_IMAGE, type MetadataImage, type PartitionImage, type TopicImage } from '../../../broker/metadata/mod.ts';
import type { AlterPartitionRequestInit } from '../../../broker/protocol/generated/alter-partition-request.ts';
import type { AlterPartitionResponse } from '../../../broker/protocol/generated/alter-partition-response.ts';
import { ErrorCode } from '../../../broker/protocol/mod.ts';
import { BrokerError, randomUuid } from '../../../broker/std/mod.ts';
import { CLIENT_PORT_BASE, CLIENTS, CONTROL, PORT_BASE } from './ports.ts';
import type { SimNode } from './sim-node.ts';
import type { SimReplicas } from './sim-replicas.ts';

const CONTROLLER_DELAY_MS = 2;

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };
type ControllerFault = 'lost request' | 'lost answer';

export class SimController {
  private readonly cluster: SimReplicas;
  private readonly brokers = new Map<number, { epoch: number; isFenced: boolean; isShuttingDown: boolean }>();
  private readonly topics = new Map<string, { readonly id: string; readonly partitions: Mutable<PartitionImage>[] }>();
  private readonly racks = new Map<number, string>();
  private offset = 0;
  /** What happens to requests, drawn by the test. */
  fault: () => ControllerFault | undefined = () => undefined;
  isReachable = true;
  requests = 0;
  /** Leader of every epoch, by partition: two leaders of one epoch would be the end. */
  readonly leaders = new Map<string, number>();

  constructor(cluster: SimReplicas) {
    this.cluster = cluster;
  }

  register(node: SimNode): number {
    const epoch = ++this.offset;
    const known = this.brokers.has(node.id);
    this.brokers.set(node.id, { epoch, isFenced: true, isShuttingDown: false });
    // A restart that was not clean ends every membership but the last.
    if (known) this.removeFromSets(node.id);
    this.brokers.set(node.id, { epoch, isFenced: false, isShuttingDown: false });
    this.electWhereNeeded();
    this.publish();
    return epoch;
  }

  setRack(nodeId: number, rack: string): void {
    this.racks.set(nodeId, rack);
    this.publish();
  }

  setShuttingDown(nodeId: number, isShuttingDown: boolean): void {
    const broker = this.brokers.get(nodeId);
    if (broker !== undefined) broker.isShuttingDown = isShuttingDown;
    this.publish();
  }

  /** The broker is held for dead. */
  fence(nodeId: number): void {
    const broker = this.brokers.get(nodeId);
    if (broker === undefined || broker.isFenced) return;
    broker.isFenced = true;
    this.removeFromSets(nodeId);
    this.electWhereNeeded();
    this.publish();
  }

  /** It was alive after all, and the same incarnation. */
  unfence(nodeId: number): void {
    const broker = this.brokers.get(nodeId);
    if (broker === undefined) return;
    broker.isFenced = false;
    this.electWhereNeeded();
    this.publish();
  }

  private removeFromSets(nodeId: number): void {
    this.eachPartition((partition, name) => {
      if (!partition.inSyncReplicas.includes(nodeId)) return;
      const others = partition.inSyncReplicas.filter((id) => id !== nodeId);
      if (others.length > 0) partition.inSyncReplicas = others;
      if (partition.leader === nodeId) this.setLeader(partition, name, -1);
      partition.partitionEpoch++;
    });
  }

  private electWhereNeeded(): void {
    this.eachPartition((partition, name) => {
      if (partition.leader !== -1) return;
      const next = partition.replicas.find((id) => partition.inSyncReplicas.includes(id) && this.isLive(id));
      if (next === undefined) return;
      this.setLeader(partition, name, next);
      partition.partitionEpoch++;
    });
  }

  private isLive(nodeId: number): boolean {
    return this.brokers.get(nodeId)?.isFenced === false;
  }

  private setLeader(partition: Mutable<PartitionImage>, name: string, leader: number): void {
    partition.leader = leader;
    partition.leaderEpoch++;
    this.leaders.set(`${name}-${partition.partition}@${partition.leaderEpoch}`, leader);
  }

  /** Moves leadership; `isUnclean` takes a replica that is not in sync. */
  elect(topic: string, partition: number, leader: number, options: { readonly isUnclean?: boolean } = {}): void {
    const state = this.partition(topic, partition);
    if (!state.inSyncReplicas.includes(leader)) {
      if (options.isUnclean !== true) throw new Error(`${leader} is not in sync`);
      state.inSyncReplicas = [leader];
    }
    this.setLeader(state, topic, leader);
    state.partitionEpoch++;
    this.publish();
  }

  createTopic(name: string, options: { readonly partitions?: number; readonly replicas: readonly number[] }): void {
    const { replicas } = options;
    const partitions = Array.from({ length: options.partitions ?? 1 }, (_, partition) => ({
      partition,
      replicas,
      directories: [],
      inSyncReplicas: replicas,
      eligibleLeaderReplicas: [],
      lastKnownEligible: [],
      removingReplicas: [],
      addingReplicas: [],
      leader: replicas[partition % replicas.length] as number,
      leaderEpoch: 0,
      partitionEpoch: 0,
      isRecovering: false,
    }));
    this.topics.set(name, { id: randomUuid(this.cluster.random), partitions });
    this.publish();
  }

  deleteTopic(name: string): void {
    this.topics.delete(name);
    this.publish();
  }

  setReplicas(topic: string, partition: number, replicas: readonly number[], adding: readonly number[] = []): void {
    const state = this.partition(topic, partition);
    state.replicas = replicas;
    state.addingReplicas = adding;
    state.inSyncReplicas = state.inSyncReplicas.filter((id) => replicas.includes(id));
    state.partitionEpoch++;
    this.publish();
  }

  partition(topic: string, partition = 0): Mutable<PartitionImage> {
    const found = this.topics.get(topic)?.partitions[partition];
    if (found === undefined) throw new Error(`no partition ${topic}-${partition}`);
    return found;
  }

  private eachPartition(visit: (partition: Mutable<PartitionImage>, topic: string) => void): void {
    for (const [name, { partitions }] of this.topics) for (const partition of partitions) visit(partition, name);
  }

  image(): MetadataImage {
    const topics: TopicImage[] = [...this.topics].map(([name, { id, partitions }]) => ({
      name,
      id,
      partitions: partitions.map((partition) => ({ ...partition })),
    }));
    return {
      ...EMPTY_IMAGE,
      nextOffset: ++this.offset,
      brokers: new Map(
        [...this.brokers].map(([id, { epoch, isFenced, isShuttingDown }]) => [
          id,
          {
            id,
            epoch,
            incarnationId: '',
            endpoints: [
              { name: CONTROL, host: '127.0.0.1', port: PORT_BASE + id },
              { name: CLIENTS, host: '127.0.0.1', port: CLIENT_PORT_BASE + id },
            ],
            rack: this.racks.get(id) ?? null,
            isFenced,
            isShuttingDown,
            directories: [],
            features: [],
          },
        ]),
      ),
      topicsByName: new Map(topics.map((topic) => [topic.name, topic])),
      topicsById: new Map(topics.map((topic) => [topic.id, topic])),
    };
  }

  /** Sends the image to every broker; later images never arrive before earlier ones. */
  publish(): void {
    const image = this.image();
    for (const node of this.cluster.nodes) this.cluster.sendImage(node, image);
  }

  async alterPartition(node: SimNode, request: AlterPartitionRequestInit): Promise<AlterPartitionResponse> {
    const { cluster } = this;
    this.requests++;
    const fault = this.fault();
    await cluster.sleep(CONTROLLER_DELAY_MS);
    const unknown = new BrokerError('net.closed', 'the controller did not answer', { retriable: true });
    if (!this.isReachable || fault === 'lost request') throw unknown;
    const response = this.decide(node, request);
    if (response.topics.some(({ partitions }) => partitions.some(({ errorCode }) => errorCode === 0))) this.publish();
    await cluster.sleep(CONTROLLER_DELAY_MS);
    if (fault === 'lost answer') throw unknown;
    return response;
  }

  private decide(node: SimNode, request: AlterPartitionRequestInit): AlterPartitionResponse {
    const broker = this.brokers.get(node.id);
    if (broker?.epoch !== request.brokerEpoch) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.STALE_BROKER_EPOCH, topics: [] };
    }
    const byId = new Map([...this.topics].map(([name, topic]) => [topic.id, { name, ...topic }]));
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      topics: request.topics.map(({ topicId = '', partitions }) => ({
        topicId,
        partitions: partitions.map((change) => {
          const state = byId.get(topicId)?.partitions[change.partitionIndex];
          const wanted = (change.newIsrWithEpochs ?? []).map(({ brokerId = -1, brokerEpoch = -1 }) => ({
            brokerId,
            brokerEpoch,
          }));
          const errorCode = state === undefined ? ErrorCode.UNKNOWN_TOPIC_ID : this.check(state, node, change, wanted);
          if (state !== undefined && errorCode === ErrorCode.NONE) {
            state.inSyncReplicas = wanted.map(({ brokerId }) => brokerId);
            state.addingReplicas = state.addingReplicas.filter((id) => !state.inSyncReplicas.includes(id));
            state.partitionEpoch++;
          }
          return {
            partitionIndex: change.partitionIndex,
            errorCode,
            leaderId: state?.leader ?? -1,
            leaderEpoch: state?.leaderEpoch ?? -1,
            isr: [...(state?.inSyncReplicas ?? [])],
            leaderRecoveryState: 0,
            partitionEpoch: state?.partitionEpoch ?? -1,
          };
        }),
      })),
    };
  }

  /** T69, in its order. */
  private check(
    state: PartitionImage,
    node: SimNode,
    change: { readonly leaderEpoch: number; readonly partitionEpoch: number },
    wanted: readonly { readonly brokerId: number; readonly brokerEpoch: number }[],
  ): number {
    if (change.leaderEpoch < state.leaderEpoch) return ErrorCode.FENCED_LEADER_EPOCH;
    if (state.leader !== node.id) return ErrorCode.INVALID_REQUEST;
    if (change.partitionEpoch < state.partitionEpoch) return ErrorCode.INVALID_UPDATE_VERSION;
    if (change.leaderEpoch > state.leaderEpoch || change.partitionEpoch > state.partitionEpoch) {
      return ErrorCode.NOT_CONTROLLER;
    }
    const isSubset = wanted.every(({ brokerId }) => state.replicas.includes(brokerId));
    if (!isSubset || !wanted.some(({ brokerId }) => brokerId === state.leader)) return ErrorCode.INVALID_REQUEST;
    const isEligible = wanted.every(({ brokerId, brokerEpoch }) => {
      const broker = this.brokers.get(brokerId);
      if (broker === undefined || broker.isFenced || broker.isShuttingDown) return false;
      return brokerEpoch === -1 || brokerEpoch === broker.epoch;
    });
    return isEligible ? ErrorCode.NONE : ErrorCode.INELIGIBLE_REPLICA;
  }
}
