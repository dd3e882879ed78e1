/**
 * The replicas of several brokers in one process, on a simulated clock, network and disks: production logs, replicas,
 * fetchers and fetch handlers, and a controller of the simplest kind that keeps Kafka's rules of epochs.
 *
 * The controller's metadata reaches each broker after a delay of its own, so that brokers disagree for a while as they
 * do in life. Brokers can be killed, paused, cut off and robbed of what they had not synced.
 */
import { BrokerConfig } from '../../broker/config/mod.ts';
import { allHandlers, Broker, type BrokerRooms, HandlerRouter, PeerConnections } from '../../broker/handlers/mod.ts';
import { DEFAULT_LOG_CONFIG, type LogConfig, LogManager } from '../../broker/log/mod.ts';
import { EMPTY_IMAGE, type MetadataImage, type PartitionImage, type TopicImage } from '../../broker/metadata/mod.ts';
import { Server } from '../../broker/network/mod.ts';
import { KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import type { AlterPartitionRequestInit } from '../../broker/protocol/generated/alter-partition-request.ts';
import type { AlterPartitionResponse } from '../../broker/protocol/generated/alter-partition-response.ts';
import { buildBatch, ErrorCode } from '../../broker/protocol/mod.ts';
import {
  DEFAULT_REPLICATION_CONFIG,
  FetchSessions,
  fetchConnectionOptions,
  peerFrom,
  type Replica,
  type ReplicaConfig,
  ReplicaManager,
  type ReplicationConfig,
  type ThrottleRates,
} from '../../broker/replication/mod.ts';
import {
  BrokerError,
  type Connection,
  type Logger,
  type Network,
  type Runtime,
  randomUuid,
  silentLogger,
} from '../../broker/std/mod.ts';
import { MemoryDisk } from '../../broker/std/sim/memory-disk.ts';
import { SeededRandom } from '../../broker/std/sim/prng.ts';
import { SimClock } from '../../broker/std/sim/sim-clock.ts';
import { SimNetwork } from '../../broker/std/sim/sim-network.ts';
import { Telemetry } from '../../broker/telemetry/mod.ts';

const PORT_BASE = 9000;
const CLIENT_PORT_BASE = 9500;
const CONTROL = 'CONTROL';
const CLIENTS = 'CLIENTS';
const CONTROLLER_DELAY_MS = 2;
const STEP_LIMIT_MS = 120_000;

export interface SimReplicasOptions {
  readonly seed?: number;
  readonly nodes?: number;
  readonly minInSyncReplicas?: number;
  readonly log?: Partial<LogConfig>;
  readonly replication?: Partial<ReplicationConfig>;
  readonly throttle?: Pick<ReplicaConfig, 'throttledAsLeader' | 'throttledAsFollower'>;
  readonly throttleRates?: () => ThrottleRates;
  readonly logger?: Logger;
  /** Broker configs, by Kafka's names. */
  readonly config?: Readonly<Record<string, string>>;
  /** How long metadata takes to a broker; drawn anew for each image. */
  readonly metadataDelayMs?: (nodeId: number, random: SeededRandom) => number;
}

/** What an acks=all produce came to. */
export interface Produced {
  readonly value: string;
  readonly errorCode: number;
  readonly offset: number;
}

export class SimNode {
  readonly id: number;
  readonly disk: MemoryDisk;
  readonly cluster: SimReplicas;
  logs!: LogManager;
  replicas!: ReplicaManager;
  image: MetadataImage = EMPTY_IMAGE;
  brokerEpoch = -1;
  isUp = false;
  isPaused = false;
  private life = 0;
  private backlog: (() => void)[] = [];
  private server: Server | undefined;
  private applying: Promise<void> = Promise.resolve();

  constructor(id: number, cluster: SimReplicas) {
    this.id = id;
    this.cluster = cluster;
    this.disk = new MemoryDisk({ clock: cluster.clock });
    this.disk.makeFolder('/data');
    this.disk.syncFolder('/');
  }

  get owner(): string {
    return `node${this.id}`;
  }

  /** Runs the callback for this life of the process, later when the process is paused. */
  private gate(callback: () => void): () => void {
    const { life } = this;
    const run = (): void => {
      if (this.life !== life) return;
      if (this.isPaused) this.backlog.push(run);
      else callback();
    };
    return run;
  }

  private runtime(): Runtime {
    const { clock, network, logger } = this.cluster;
    return {
      clock: {
        nowMs: () => clock.nowMs(),
        monotonicMs: () => clock.monotonicMs(),
        idleShare: () => clock.idleShare(),
        after: (delayMs, callback) => clock.after(delayMs, this.gate(callback)),
        endOfTurn: (callback) => clock.endOfTurn(this.gate(callback)),
      },
      random: this.cluster.random.fork(),
      disk: this.disk,
      network: this.gatedNetwork(network.endpoint(this.owner)),
      executor: { run: () => Promise.reject(new Error('no jobs here')), close: async () => {} },
      log: logger,
    };
  }

  private gatedNetwork(network: Network): Network {
    const gated = (connection: Connection): Connection => new GatedConnection(connection, (run) => this.gate(run)());
    return {
      listen: (address, accept) => network.listen(address, (connection) => accept(gated(connection))),
      connect: async (address, timeoutMs) => gated(await network.connect(address, timeoutMs)),
    };
  }

  async start(): Promise<void> {
    this.life++;
    this.isUp = true;
    this.isPaused = false;
    this.backlog = [];
    this.image = EMPTY_IMAGE;
    const { cluster } = this;
    const runtime = this.runtime();
    const logConfig = { ...DEFAULT_LOG_CONFIG, ...cluster.options.log };
    this.logs = await LogManager.open({
      runtime,
      folders: ['/data'],
      nodeId: this.id,
      clusterId: 'sim',
      config: { cacheBytes: 4 * 1024 * 1024, cleanerEnabled: false },
      configOf: () => logConfig,
    });
    this.replicas = new ReplicaManager({
      nodeId: this.id,
      logs: this.logs,
      runtime,
      configOf: () => ({
        log: logConfig,
        minInSyncReplicas: cluster.options.minInSyncReplicas ?? 1,
        ...cluster.options.throttle,
      }),
      isKnownPartition: (topic, partition) => this.image.topicsByName.get(topic)?.partitions[partition] !== undefined,
      config: { ...DEFAULT_REPLICATION_CONFIG, ...cluster.options.replication },
      ...(cluster.options.throttleRates === undefined ? {} : { throttleRates: cluster.options.throttleRates }),
      cluster: {
        peer: (nodeId) => {
          const broker = this.image.brokers.get(nodeId);
          return broker === undefined ? undefined : peerFrom(broker, CONTROL);
        },
        brokerEpoch: () => this.brokerEpoch,
        connect: (peer) =>
          KafkaConnection.open({
            runtime,
            host: peer.host,
            port: peer.port,
            clientId: this.owner,
            ...fetchConnectionOptions(runtime.clock),
          }),
        alterPartition: (request) => cluster.controller.alterPartition(this, request),
      },
    });
    await this.serve(runtime);
    this.applying = Promise.resolve();
    this.brokerEpoch = cluster.controller.register(this);
  }

  private async serve(runtime: Runtime): Promise<void> {
    const router = new HandlerRouter(allHandlers);
    const node = this;
    const rooms: Partial<BrokerRooms> = {
      runtime,
      nodeId: this.id,
      clusterId: 'sim',
      config: new BrokerConfig(
        new Map([['node.id', String(this.id)], ...Object.entries(this.cluster.options.config ?? {})]),
      ),
      telemetry: new Telemetry(),
      metadata: {
        get image() {
          return node.image;
        },
      } as BrokerRooms['metadata'],
      peerConnections: new PeerConnections(() => {}),
      controlSecret: undefined,
      isIsolated: () => false,
      logs: this.logs,
      replicas: this.replicas,
      fetchSessions: new FetchSessions({ clock: runtime.clock, random: runtime.random, slots: 100 }),
      servedVersions: (key, isControl) => router.servedVersions(key, isControl),
    };
    router.serve(new Broker(rooms as BrokerRooms));
    this.server = new Server({
      runtime,
      router,
      limits: () => ({
        frameBytesMax: 64 * 1024 * 1024,
        idleMsMax: 600_000,
        connectionsMax: 100,
        connectionsPerAddressMax: 100,
      }),
      observer: { requestReceived() {}, responseSent() {} },
    });
    const host = '127.0.0.1';
    await this.server.listen({ name: CONTROL, host, port: PORT_BASE + this.id, isControl: true });
    await this.server.listen({ name: CLIENTS, host, port: CLIENT_PORT_BASE + this.id, isControl: false });
  }

  /** A connection as a client has it, or as a broker has it. */
  connect(listener: 'clients' | 'control' = 'clients'): Promise<KafkaConnection> {
    const port = (listener === 'clients' ? CLIENT_PORT_BASE : PORT_BASE) + this.id;
    const runtime = { network: this.cluster.network.endpoint('client') };
    return this.cluster.until(KafkaConnection.open({ runtime, host: '127.0.0.1', port, clientId: 'client' }));
  }

  /** Metadata arrives; it takes effect in order. */
  learn(image: MetadataImage): void {
    const { life } = this;
    this.gate(() => {
      const previous = this.image;
      this.image = image;
      const removedTopics = [...previous.topicsById.values()].filter(({ id }) => !image.topicsById.has(id));
      const changedTopics = new Set(image.topicsByName.keys());
      this.applying = this.applying.then(async () => {
        if (this.life === life) await this.replicas.applyImage(image, { changedTopics, removedTopics });
      });
    })();
  }

  replica(topic: string, partition = 0): Replica {
    const replica = this.replicas.get(topic, partition);
    if (replica === undefined) throw new Error(`node ${this.id} has no replica of ${topic}-${partition}`);
    return replica;
  }

  /** SIGKILL: what was written stays. */
  kill(): void {
    if (!this.isUp) return;
    this.life++;
    this.isUp = false;
    this.backlog = [];
    this.cluster.network.kill(this.owner);
    this.replicas.close();
    this.disk.kill();
  }

  /** The machine goes: what was not synced may be lost, torn or reordered. */
  powerLoss(): void {
    if (!this.isUp) return;
    this.kill();
    this.disk.powerLoss(this.cluster.random);
  }

  /** SIGSTOP and SIGCONT. */
  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    for (const run of this.backlog.splice(0)) run();
  }

  /** Appends under acks=all, if this broker believes that it leads. */
  produce(topic: string, partition: number, value: string): Promise<Produced> {
    return new Promise((resolve) => {
      const replica = this.isUp ? this.replicas.get(topic, partition) : undefined;
      const refused = (errorCode: number): void => resolve({ value, errorCode, offset: -1 });
      if (replica === undefined) return refused(ErrorCode.NOT_LEADER_OR_FOLLOWER);
      const batch = buildBatch({ records: [{ timestamp: 1_700_000_000_000, key: null, value: Buffer.from(value) }] });
      replica.append(batch, { origin: 'client', requiredAcks: -1 }, (result) => {
        if (result.errorCode !== ErrorCode.NONE) return refused(result.errorCode);
        replica.awaitCommitted(
          result.lastOffset + 1,
          (errorCode) => resolve({ value, errorCode, offset: result.lastOffset }),
          { needsMinInSync: true },
        );
      });
    });
  }
}

/** Holds back what arrives while its process is paused. */
class GatedConnection implements Connection {
  private readonly inner: Connection;
  onData: (chunk: Buffer) => void = () => {};
  onClose: (error: Error | undefined) => void = () => {};
  onDrain: () => void = () => {};

  constructor(inner: Connection, gate: (run: () => void) => void) {
    this.inner = inner;
    inner.onData = (chunk) => gate(() => this.onData(chunk));
    inner.onClose = (error) => gate(() => this.onClose(error));
    inner.onDrain = () => gate(() => this.onDrain());
  }

  get remoteAddress(): string {
    return this.inner.remoteAddress;
  }

  get remotePort(): number {
    return this.inner.remotePort;
  }

  get localPort(): number {
    return this.inner.localPort;
  }

  get writableBytes(): number {
    return this.inner.writableBytes;
  }

  write(chunks: readonly Buffer[], sent?: () => void): void {
    this.inner.write(chunks, sent);
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  end(): void {
    this.inner.end();
  }

  destroy(): void {
    this.inner.destroy();
  }
}

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

export class SimReplicas {
  readonly options: SimReplicasOptions;
  readonly clock = new SimClock();
  readonly random: SeededRandom;
  readonly network: SimNetwork;
  readonly logger: Logger;
  readonly controller: SimController;
  readonly nodes: readonly SimNode[];
  private readonly imageArrivesMs = new Map<SimNode, number>();

  constructor(options: SimReplicasOptions = {}) {
    this.options = options;
    this.logger = options.logger ?? silentLogger;
    this.random = new SeededRandom(options.seed ?? 1);
    this.network = new SimNetwork(this.clock, this.random.fork());
    this.controller = new SimController(this);
    this.nodes = Array.from({ length: options.nodes ?? 3 }, (_, index) => new SimNode(index + 1, this));
  }

  static async start(options: SimReplicasOptions = {}): Promise<SimReplicas> {
    const cluster = new SimReplicas(options);
    for (const node of cluster.nodes) await cluster.until(node.start());
    return cluster;
  }

  node(id: number): SimNode {
    return this.nodes[id - 1] as SimNode;
  }

  sendImage(node: SimNode, image: MetadataImage): void {
    const delayMs = this.options.metadataDelayMs?.(node.id, this.random) ?? 1;
    const nowMs = this.clock.monotonicMs();
    const arrivesMs = Math.max(this.imageArrivesMs.get(node) ?? 0, nowMs + delayMs);
    this.imageArrivesMs.set(node, arrivesMs);
    this.clock.after(arrivesMs - nowMs, () => {
      if (node.isUp) node.learn(image);
    });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  advance(ms: number): Promise<void> {
    return this.clock.advanceAndSettle(ms);
  }

  /** Lets simulated time pass until the promise settles. */
  async until<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.waitFor(() => isSettled, 'a promise to settle');
    return promise;
  }

  /** Lets simulated time pass until the condition holds. */
  async waitFor(condition: () => boolean, what: string, limitMs = STEP_LIMIT_MS): Promise<void> {
    const deadline = this.clock.monotonicMs() + limitMs;
    await this.clock.settle();
    while (!condition()) {
      if (this.clock.monotonicMs() > deadline) throw new Error(`waited ${limitMs} simulated ms for ${what}`);
      if (!this.clock.step()) throw new Error(`the simulation is stuck, waiting for ${what}`);
      await this.clock.settle();
    }
  }

  /** Waits until every replica is in sync and has all that its leader has. */
  async converge(topic: string, partition = 0): Promise<void> {
    try {
      await this.waitFor(() => this.hasConverged(topic, partition), `${topic}-${partition} to converge`);
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${this.describe(topic, partition)}`);
    }
  }

  /** Where everybody stands, for a test that failed. */
  private describe(topic: string, partition: number): string {
    const { leader, leaderEpoch, partitionEpoch, inSyncReplicas } = this.controller.partition(topic, partition);
    const nodes = this.nodes.map((node) => {
      const replica = node.isUp ? node.replicas.get(topic, partition) : undefined;
      if (replica === undefined) return { node: node.id };
      const { leader, leaderEpoch, partitionEpoch, isLeader, highWatermark, logEndOffset, inSyncReplicas } = replica;
      const pending = replica.pendingChange?.newInSyncReplicas;
      const view = { leader, leaderEpoch, partitionEpoch, isLeader, inSyncReplicas, pending };
      return { node: node.id, ...view, highWatermark, logEndOffset, isPaused: node.isPaused };
    });
    return JSON.stringify({ leader, leaderEpoch, partitionEpoch, inSyncReplicas, nodes }, undefined, 1);
  }

  private hasConverged(topic: string, partition: number): boolean {
    const state = this.controller.partition(topic, partition);
    if (state.leader === -1 || state.inSyncReplicas.length < state.replicas.length) return false;
    const leader = this.node(state.leader).replicas.get(topic, partition);
    return state.replicas.every((id) => {
      const replica = this.node(id).replicas.get(topic, partition);
      return (
        replica !== undefined &&
        replica.leaderEpoch === state.leaderEpoch &&
        replica.logEndOffset === leader?.logEndOffset &&
        replica.highWatermark === leader.highWatermark &&
        leader.highWatermark === leader.logEndOffset
      );
    });
  }

  /** All bytes of a log from `offset` on. */
  async bytes(node: SimNode, topic: string, partition = 0, offset?: number): Promise<Buffer> {
    const { log } = node.replica(topic, partition);
    const parts: Buffer[] = [];
    for (let next = offset ?? log.logStartOffset; next < log.logEndOffset; ) {
      const result = await log.read({
        offset: next,
        maxBytes: 1 << 20,
        upperBoundOffset: log.logEndOffset,
        minOneBatch: true,
      });
      if (result.sizeBytes === 0) break;
      const bytes = Buffer.concat(result.chunks as Buffer[]);
      result.release();
      parts.push(bytes);
      next = endOffsetOf(bytes);
    }
    return Buffer.concat(parts);
  }

  close(): void {
    for (const node of this.nodes) node.kill();
  }
}

/** Where the last whole batch ends. */
export function endOffsetOf(batches: Buffer): number {
  let end = 0;
  for (let at = 0; at < batches.length; at += batches.readInt32BE(at + 8) + 12) {
    end = Number(batches.readBigInt64BE(at)) + batches.readInt32BE(at + 23) + 1;
  }
  return end;
}
