/**
 * Wires the rooms of one broker together and starts them in order. A function of its runtime, so that main, in-process
 * tests and the simulator start the same broker.
 */

import { adoptLogs } from './adopt-logs.ts';
import { type BrokerConfig, buildLogConfig, configRules, effectiveTopicValue } from './config/mod.ts';
import { Controller, type Controller as ControllerType, registerBroker, unfenceBroker } from './controller/mod.ts';
import { type CoordinationStore, FilesStore } from './coordination/mod.ts';
import { GroupCoordinator, groupConfigOf } from './groups/mod.ts';
import { allHandlers, Broker, HandlerRouter, OFFSETS_TOPIC, ProducerIds } from './handlers/mod.ts';
import { type ListenerPlan, planListeners } from './listeners.ts';
import { identifyFolders, type LogConfig, LogManager } from './log/mod.ts';
import {
  ConfigResource,
  configKey,
  configsOf,
  type MetadataDelta,
  type MetadataImage,
  MetadataLoader,
} from './metadata/mod.ts';
import { exportMetrics } from './metrics.ts';
import { Server } from './network/mod.ts';
import { FetchSessions, type Replica, ReplicaManager } from './replication/mod.ts';
import { BrokerError, type Runtime, randomUuid } from './std/mod.ts';
import { Telemetry } from './telemetry/mod.ts';

const COORDINATION_FOLDER = '__ottla_metadata';
/** Requests may still be on their way when the listeners close; they get this long to be answered. */
const DRAIN_MS = 500;

export interface RunningBroker {
  readonly broker: Broker;
  readonly listeners: readonly ListenerPlan[];
  readonly telemetry: Telemetry;
  readonly isReady: () => boolean;
  /** Drains, flushes and leaves a clean shutdown behind. */
  close(): Promise<void>;
}

export async function startBroker(options: {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  /** Default: a folder beside the logs. */
  readonly store?: CoordinationStore;
  /** Default: what the log folders say, or a new one. */
  readonly clusterId?: string;
}): Promise<RunningBroker> {
  const { runtime, config } = options;
  const { clock, random, disk, log } = runtime;
  const folders = config.list('log.dirs').length > 0 ? config.list('log.dirs') : config.list('log.dir');
  const found = identifyFolders(disk, folders);
  const nodeId = nodeIdOf(config, found?.nodeId);
  const clusterId = options.clusterId ?? found?.clusterId ?? randomUuid(random);

  // Metadata first: a topic's configs say how its log is opened.
  const store = options.store ?? openFilesStore(runtime, folders[0] as string);
  const loader = new MetadataLoader({ store, clock, log });
  await loader.catchUp();

  const logs = await LogManager.open({
    runtime,
    folders,
    nodeId,
    clusterId,
    configOf: (topic) => logConfigOf(config, loader.image, topic),
    config: {
      retentionCheckIntervalMs: config.number('log.retention.check.interval.ms'),
      recoveryPointCheckpointIntervalMs: config.number('log.flush.offset.checkpoint.interval.ms'),
      highWatermarkCheckpointIntervalMs: config.number('replica.high.watermark.checkpoint.interval.ms'),
      producerIdExpirationMs: config.number('producer.id.expiration.ms'),
      cleanerEnabled: config.boolean('log.cleaner.enable'),
      cleanerBackoffMs: config.number('log.cleaner.backoff.ms'),
      cleanerDedupeBufferBytes: config.number('log.cleaner.dedupe.buffer.size'),
    },
    recoveryThreads: config.number('num.recovery.threads.per.data.dir'),
  });

  const directoryId = logs.folders[0]?.directoryId ?? '';
  const controller = new Controller({ store, loader, clock, random, log, nodeId, holder: `${nodeId}@${directoryId}` });
  const isKnownPartition = (topic: string, partition: number): boolean =>
    loader.image.topicsByName.get(topic)?.partitions[partition] !== undefined;
  const replicas = new ReplicaManager({
    nodeId,
    logs,
    runtime,
    isKnownPartition,
    configOf: (topic) => ({
      log: logConfigOf(config, loader.image, topic),
      minInSyncReplicas: Number(
        effectiveTopicValue(config, configsOf(loader.image, ConfigResource.topic, topic), 'min.insync.replicas'),
      ),
    }),
  });
  const groups = new GroupCoordinator({
    runtime,
    config: groupConfigOf(config),
    topics: {
      partitionCount: (topic) => loader.image.topicsByName.get(topic)?.partitions.length,
      topicId: (topic) => loader.image.topicsByName.get(topic)?.id,
      topicName: (id) => loader.image.topicsById.get(id)?.name,
    },
  });
  const telemetry = new Telemetry();
  const router = new HandlerRouter(allHandlers);
  const producerIds = new ProducerIds(controller, nodeId);
  const broker = new Broker({
    runtime,
    nodeId,
    clusterId,
    config,
    rules: configRules(config),
    telemetry,
    metadata: loader,
    controller,
    logs,
    replicas,
    fetchSessions: new FetchSessions({
      clock,
      random,
      slots: config.number('max.incremental.fetch.session.cache.slots'),
    }),
    groups,
    producerIds,
    servedVersions: (key, isControl) => router.servedVersions(key, isControl),
  });
  router.serve(broker);

  config.onChange(() => replicas.allConfigsChanged());
  const apply = (image: MetadataImage, delta: MetadataDelta): Promise<void> =>
    applyImage({ image, delta, nodeId, config, replicas, groups, telemetry });
  await apply(loader.image, wholeImage(loader.image));
  loader.subscribe(apply);
  loader.start();
  controller.start();
  await controller.awaitActive();
  await adoptLogs({ controller, logs, nodeId, log });

  const server = new Server({
    runtime,
    router,
    limits: () => ({
      frameBytesMax: config.number('socket.request.max.bytes'),
      idleMsMax: config.number('connections.max.idle.ms'),
      connectionsMax: config.number('max.connections'),
      connectionsPerAddressMax: config.number('max.connections.per.ip'),
    }),
    observer: {
      requestReceived() {},
      responseSent: (context, responseBytes, times) =>
        telemetry.requestDone(context.api.name, context.sizeBytes, responseBytes, times),
    },
  });
  exportMetrics({ telemetry, broker, server, logs });

  // Ports are bound before the registration says where they are; requests that come in meanwhile are answered from the
  // image as it is, in which this broker is still fenced.
  const listeners: ListenerPlan[] = [];
  for (const plan of planListeners(config)) {
    const port = await server.listen({ name: plan.name, host: plan.host, port: plan.port, isControl: plan.isControl });
    listeners.push({ ...plan, port, advertisedPort: plan.advertisedPort === 0 ? port : plan.advertisedPort });
  }
  await register({
    controller,
    loader,
    nodeId,
    listeners,
    rack: config.text('broker.rack'),
    directoryId,
    random: runtime,
  });
  producerIds.brokerEpoch = loader.image.brokers.get(nodeId)?.epoch ?? -1;

  let isClosing = false;
  return {
    broker,
    listeners,
    telemetry,
    isReady: () => !isClosing && loader.image.brokers.get(nodeId)?.isFenced === false,
    async close(): Promise<void> {
      isClosing = true;
      await server.close();
      await new Promise<void>((resolve) => {
        if (server.connectionCount === 0) resolve();
        else clock.after(DRAIN_MS, resolve);
      });
      server.destroy();
      await groups.close();
      loader.close();
      await controller.close();
      await logs.close({ brokerEpoch: loader.image.brokers.get(nodeId)?.epoch ?? -1 });
      await store.close();
      await runtime.executor.close();
    },
  };
}

function nodeIdOf(config: BrokerConfig, found: number | undefined): number {
  const configured = config.text('node.id') ?? config.text('broker.id');
  const id = configured === null || configured === '-1' ? (found ?? 1) : Number(configured);
  if (found !== undefined && found !== id) {
    throw new BrokerError('config.invalid', `node.id is ${id}, but the log folders belong to node ${found}`);
  }
  return id;
}

function openFilesStore(runtime: Runtime, firstFolder: string): FilesStore {
  const { disk, clock, random } = runtime;
  const folder = `${firstFolder}/${COORDINATION_FOLDER}`;
  disk.makeFolder(folder);
  disk.syncFolder(firstFolder);
  return new FilesStore({ disk, clock, random, folder });
}

function logConfigOf(config: BrokerConfig, image: MetadataImage, topic: string): LogConfig {
  return buildLogConfig(config, configsOf(image, ConfigResource.topic, topic));
}

/** To a broker that just started everything is new. */
function wholeImage(image: MetadataImage): MetadataDelta {
  return {
    changedTopics: new Set(image.topicsByName.keys()),
    removedTopics: [],
    changedConfigs: new Set(image.configs.keys()),
    hasBrokerChanges: true,
  };
}

/** Puts what the metadata says into effect on this broker. */
async function applyImage(options: {
  readonly image: MetadataImage;
  readonly delta: MetadataDelta;
  readonly nodeId: number;
  readonly config: BrokerConfig;
  readonly replicas: ReplicaManager;
  readonly groups: GroupCoordinator;
  readonly telemetry: Telemetry;
}): Promise<void> {
  const { image, delta, nodeId, config, replicas, groups, telemetry } = options;
  const brokerKeys = [configKey(ConfigResource.broker, String(nodeId)), configKey(ConfigResource.broker, '')];
  if (brokerKeys.some((key) => delta.changedConfigs.has(key))) {
    config.setDynamic({
      broker: configsOf(image, ConfigResource.broker, String(nodeId)),
      clusterDefault: configsOf(image, ConfigResource.broker, ''),
    });
  }
  for (const topic of delta.removedTopics) {
    for (const { partition } of topic.partitions) {
      if (topic.name === OFFSETS_TOPIC) groups.onResignation(partition);
      if (replicas.get(topic.name, partition)?.topicId === topic.id) await replicas.remove(topic.name, partition);
    }
    telemetry.topicRemoved(topic.name);
  }
  if (delta.removedTopics.length > 0) groups.topicsDeleted(delta.removedTopics.map(({ name }) => name));
  for (const name of delta.changedTopics) {
    const topic = image.topicsByName.get(name);
    if (topic === undefined) continue;
    for (const partition of topic.partitions) {
      if (!partition.replicas.includes(nodeId)) continue;
      const before = replicas.get(name, partition.partition)?.leaderEpoch;
      const replica = await replicas.apply({
        topic: name,
        topicId: topic.id,
        partition: partition.partition,
        state: partition,
      });
      if (name === OFFSETS_TOPIC && before !== replica.leaderEpoch) electOrResign(groups, replica);
    }
  }
  for (const key of delta.changedConfigs) {
    const [type, ...name] = key.split('/');
    if (Number(type) === ConfigResource.topic) replicas.configChanged(name.join('/'));
  }
}

function electOrResign(groups: GroupCoordinator, replica: Replica): void {
  if (replica.isLeader) groups.onElection(replica.partition, coordinatorLog(replica));
  else groups.onResignation(replica.partition);
}

/** A replica as the coordinator runtime sees it. */
function coordinatorLog(replica: Replica): Parameters<GroupCoordinator['onElection']>[1] {
  return {
    get leaderEpoch() {
      return replica.leaderEpoch;
    },
    get logStartOffset() {
      return replica.logStartOffset;
    },
    get logEndOffset() {
      return replica.logEndOffset;
    },
    get highWatermark() {
      return replica.highWatermark;
    },
    append: (batch, appendOptions, done) => replica.append(batch, appendOptions, done),
    awaitCommitted: (offset, done) => replica.awaitCommitted(offset, done),
    async read({ offset, maxBytes }) {
      const result = await replica.read({ offset, maxBytes, isolation: 'uncommitted', minOneBatch: true });
      const bytes = Buffer.concat(result.chunks as Buffer[]);
      result.release();
      return bytes;
    },
  };
}

async function register(options: {
  readonly controller: ControllerType;
  readonly loader: MetadataLoader;
  readonly nodeId: number;
  readonly listeners: readonly ListenerPlan[];
  readonly rack: string | null;
  readonly directoryId: string;
  readonly random: Runtime;
}): Promise<void> {
  const { controller, loader, nodeId, listeners, rack, directoryId } = options;
  const endpoints = listeners.map(({ name, advertisedHost, advertisedPort }) => ({
    name,
    host: advertisedHost,
    port: advertisedPort,
  }));
  const incarnationId = randomUuid(options.random.random);
  await controller.submit((image) =>
    registerBroker(image, { brokerId: nodeId, incarnationId, endpoints, rack, directories: [directoryId] }),
  );
  const epoch = loader.image.brokers.get(nodeId)?.epoch ?? -1;
  await controller.submit((image) => unfenceBroker(image, nodeId, epoch));
}
