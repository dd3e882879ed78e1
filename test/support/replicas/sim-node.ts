/** One simulated broker: production logs, replicas, fetchers and fetch handlers on a disk and a network of its own. */
import { BrokerConfig } from '../../../broker/config/mod.ts';
import { allHandlers, Broker, type BrokerRooms, HandlerRouter, PeerConnections } from '../../../broker/handlers/mod.ts';
import { DEFAULT_LOG_CONFIG, LogManager } from '../../../broker/log/mod.ts';
import { EMPTY_IMAGE, type MetadataImage } from '../../../broker/metadata/mod.ts';
import { Server } from '../../../broker/network/mod.ts';
import { KafkaConnection } from '../../../broker/protocol/connection/mod.ts';
import { buildBatch, ErrorCode } from '../../../broker/protocol/mod.ts';
import {
  DEFAULT_REPLICATION_CONFIG,
  FetchSessions,
  fetchConnectionOptions,
  peerFrom,
  type Replica,
  ReplicaManager,
} from '../../../broker/replication/mod.ts';
import type { Connection, Network, Runtime } from '../../../broker/std/mod.ts';
import { MemoryDisk } from '../../../broker/std/sim/memory-disk.ts';
import { Telemetry } from '../../../broker/telemetry/mod.ts';
import { GatedConnection } from './gated-connection.ts';
import { CLIENT_PORT_BASE, CLIENTS, CONTROL, PORT_BASE } from './ports.ts';
import type { SimReplicas } from './sim-replicas.ts';

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
    this.logs.takeIntoUse();
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
      peerSpoke: () => {},
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
      observer: { responseSent() {} },
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
        if (this.life !== life) return;
        const changedConfigs = new Set<string>();
        await this.replicas.applyImage(image, { changedTopics, removedTopics, changedConfigs, isCertain: true });
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
