/** What handlers see of the broker: its rooms, and the few questions about the cluster that many of them ask. */
import { type BrokerConfig, effectiveTopicValue } from '../config/mod.ts';
import type { ClusterKeeper, ConfigRules, Controller } from '../controller/mod.ts';
import type { GroupCoordinator } from '../groups/mod.ts';
import type { LogFolderDescription, LogManager } from '../log/mod.ts';
import type { ControllerChannel } from '../membership/mod.ts';
import {
  type BrokerImage,
  ConfigResource,
  configsOf,
  METADATA_VERSION,
  type MetadataImage,
  type MetadataLoader,
} from '../metadata/mod.ts';
import type { ConnectionContext } from '../network/mod.ts';
import type { FetchSessions, ReplicaManager } from '../replication/mod.ts';
import type { ControlSecret } from '../security/mod.ts';
import type { Runtime } from '../std/mod.ts';
import type { Telemetry } from '../telemetry/mod.ts';
import type { Handler } from './handler.ts';
import type { PeerConnections } from './peer-connections.ts';
import type { ProducerIds } from './producer-ids.ts';
import { requestTopic } from './topic-request.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTIONS_TOPIC = '__transaction_state';
const INTERNAL_TOPICS = new Set([OFFSETS_TOPIC, TRANSACTIONS_TOPIC, '__share_group_state']);
/** Internal topics have three replicas, or as many as there are brokers. */

export interface Endpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface Features {
  readonly epoch: number;
  readonly supported: readonly { readonly name: string; readonly minVersion: number; readonly maxVersion: number }[];
  readonly finalized: readonly {
    readonly name: string;
    readonly minVersionLevel: number;
    readonly maxVersionLevel: number;
  }[];
}

/** Brokers of a cluster that start together are there within this time. */
const JOIN_MS = 10_000;

/** The features we implement. Kafka's metadata.version is listed because tools ask for it; it gates nothing here. */
const SUPPORTED_FEATURES: Features['supported'] = [
  { name: 'metadata.version', minVersion: 7, maxVersion: 30 },
  { name: METADATA_VERSION.feature, minVersion: METADATA_VERSION.minLevel, maxVersion: METADATA_VERSION.maxLevel },
];

export interface BrokerRooms {
  readonly runtime: Runtime;
  readonly nodeId: number;
  readonly clusterId: string;
  /** Whether the coordination store is this broker's own. */
  readonly isAlone: boolean;
  readonly config: BrokerConfig;
  readonly rules: ConfigRules;
  readonly telemetry: Telemetry;
  readonly metadata: MetadataLoader;
  readonly controller: Controller;
  readonly keeper: ClusterKeeper;
  readonly channel: ControllerChannel;
  readonly peerConnections: PeerConnections;
  readonly controlSecret: ControlSecret | undefined;
  /** Whether this broker is cut off from everybody and may not serve clients. */
  readonly isIsolated: () => boolean;
  /** Called with every request of who may use the control listener. */
  readonly peerSpoke: (clientId: string | null) => void;
  readonly logs: LogManager;
  readonly replicas: ReplicaManager;
  readonly fetchSessions: FetchSessions;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds;
  readonly servedVersions: (key: number, isControlListener: boolean) => { min: number; max: number } | undefined;
  readonly handlerOf: (key: number) => Handler | undefined;
}

export class Broker implements BrokerRooms {
  readonly runtime: Runtime;
  readonly nodeId: number;
  readonly clusterId: string;
  readonly isAlone: boolean;
  readonly config: BrokerConfig;
  readonly rules: ConfigRules;
  readonly telemetry: Telemetry;
  readonly metadata: MetadataLoader;
  readonly controller: Controller;
  readonly keeper: ClusterKeeper;
  readonly channel: ControllerChannel;
  readonly peerConnections: PeerConnections;
  readonly controlSecret: ControlSecret | undefined;
  readonly isIsolated: () => boolean;
  readonly peerSpoke: BrokerRooms['peerSpoke'];
  readonly logs: LogManager;
  readonly replicas: ReplicaManager;
  readonly fetchSessions: FetchSessions;
  readonly groups: GroupCoordinator;
  readonly producerIds: ProducerIds;
  readonly servedVersions: BrokerRooms['servedVersions'];
  readonly handlerOf: BrokerRooms['handlerOf'];
  private readonly disconnectListeners = new Map<ConnectionContext, Set<() => void>>();
  private readonly startedMs: number;
  /** Topics that are being created because somebody asked for them. */
  private readonly creating = new Set<string>();

  constructor(rooms: BrokerRooms) {
    this.runtime = rooms.runtime;
    this.startedMs = rooms.runtime.clock.monotonicMs();
    this.nodeId = rooms.nodeId;
    this.clusterId = rooms.clusterId;
    this.isAlone = rooms.isAlone;
    this.config = rooms.config;
    this.rules = rooms.rules;
    this.telemetry = rooms.telemetry;
    this.metadata = rooms.metadata;
    this.controller = rooms.controller;
    this.keeper = rooms.keeper;
    this.channel = rooms.channel;
    this.peerConnections = rooms.peerConnections;
    this.controlSecret = rooms.controlSecret;
    this.isIsolated = rooms.isIsolated;
    this.peerSpoke = rooms.peerSpoke;
    this.logs = rooms.logs;
    this.replicas = rooms.replicas;
    this.fetchSessions = rooms.fetchSessions;
    this.groups = rooms.groups;
    this.producerIds = rooms.producerIds;
    this.servedVersions = rooms.servedVersions;
    this.handlerOf = rooms.handlerOf;
  }

  get image(): MetadataImage {
    return this.metadata.image;
  }

  topicName(topicId: string): string | undefined {
    return this.image.topicsById.get(topicId)?.name;
  }

  isInternalTopic(name: string): boolean {
    return INTERNAL_TOPICS.has(name);
  }

  topicCompression(name: string): string {
    const overrides = configsOf(this.image, ConfigResource.topic, name);
    return effectiveTopicValue(this.config, overrides, 'compression.type');
  }

  /** The leader of a partition, as a hint for clients that asked the wrong broker. */
  leaderHint(topic: string, partition: number): { leaderId: number; leaderEpoch: number } | undefined {
    const found = this.image.topicsByName.get(topic)?.partitions[partition];
    return found === undefined ? undefined : { leaderId: found.leader, leaderEpoch: found.leaderEpoch };
  }

  /** Live brokers as clients of this listener reach them. */
  endpoints(listener: string): Endpoint[] {
    const endpoints: Endpoint[] = [];
    for (const broker of this.image.brokers.values()) {
      if (broker.isFenced) continue;
      const endpoint = endpointOf(broker, listener);
      if (endpoint !== undefined) endpoints.push(endpoint);
    }
    return endpoints;
  }

  endpoint(nodeId: number, listener: string): Endpoint | undefined {
    const broker = this.image.brokers.get(nodeId);
    return broker === undefined || broker.isFenced ? undefined : endpointOf(broker, listener);
  }

  features(): Features {
    const finalized = [...this.image.features].map(([name, level]) => ({
      name,
      minVersionLevel: level,
      maxVersionLevel: level,
    }));
    return { epoch: this.image.nextOffset, supported: SUPPORTED_FEATURES, finalized };
  }

  logFolders(): LogFolderDescription[] {
    return this.logs.describe();
  }

  /** Starts creating a topic that was asked for and does not exist; the client asks again. */
  autoCreate(name: string): void {
    if (this.creating.has(name)) return;
    this.creating.add(name);
    const isInternal = this.isInternalTopic(name);
    requestTopic(this, {
      name,
      partitionCount: isInternal ? this.internalPartitions(name) : -1,
      replicationFactor: isInternal ? this.internalReplicas(name) : -1,
      configs: isInternal ? this.internalConfigs(name) : new Map(),
    })
      .catch((error: unknown) => this.runtime.log.warn({ err: error, topic: name }, 'topic could not be auto-created'))
      .finally(() => this.creating.delete(name));
  }

  topicDefaults(): { partitionCount: number; replicationFactor: number } {
    return {
      partitionCount: this.config.number('num.partitions'),
      replicationFactor: this.config.number('default.replication.factor'),
    };
  }

  /**
   * As many as the config says, or as there are brokers, the dead among them. While others may still be starting, the
   * topic waits for them: what is made with one replica because one broker was first keeps one for ever.
   */
  private internalReplicas(name: string): number {
    const wanted = this.config.number(
      name === OFFSETS_TOPIC ? 'offsets.topic.replication.factor' : 'transaction.state.log.replication.factor',
    );
    const mayBeJoined = !this.isAlone && this.runtime.clock.monotonicMs() - this.startedMs < JOIN_MS;
    return mayBeJoined ? wanted : Math.min(wanted, this.image.brokers.size);
  }

  private internalPartitions(name: string): number {
    return this.config.number(
      name === OFFSETS_TOPIC ? 'offsets.topic.num.partitions' : 'transaction.state.log.num.partitions',
    );
  }

  private internalConfigs(name: string): Map<string, string> {
    const configs = new Map([
      ['cleanup.policy', 'compact'],
      ['compression.type', 'producer'],
    ]);
    if (name === OFFSETS_TOPIC) configs.set('segment.bytes', this.config.string('offsets.topic.segment.bytes'));
    return configs;
  }

  /** Calls `listener` when the connection goes; returns how to stop listening. */
  onDisconnect(connection: ConnectionContext, listener: () => void): () => void {
    let listeners = this.disconnectListeners.get(connection);
    if (listeners === undefined) {
      listeners = new Set();
      this.disconnectListeners.set(connection, listeners);
    }
    const all = listeners;
    all.add(listener);
    return () => {
      all.delete(listener);
      if (all.size === 0) this.disconnectListeners.delete(connection);
    };
  }

  disconnected(connection: ConnectionContext): void {
    const listeners = this.disconnectListeners.get(connection);
    this.disconnectListeners.delete(connection);
    for (const listener of listeners ?? []) listener();
    this.peerConnections.closed(connection);
  }
}

function endpointOf(broker: BrokerImage, listener: string): Endpoint | undefined {
  const endpoint = broker.endpoints.find(({ name }) => name === listener);
  return endpoint === undefined
    ? undefined
    : { nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack };
}
