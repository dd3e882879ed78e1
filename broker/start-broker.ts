/**
 * Wires the rooms of one broker together and starts them in order. A function of its runtime, so that main, in-process
 * tests and the simulator start the same broker.
 */

import { adoptLogs } from './adopt-logs.ts';
import { applyImage, electOrResign } from './apply-image.ts';
import { clusterOf, fenceIfGone, replicaConfigOf, replicationConfig, takeOverIfGone } from './cluster-wiring.ts';
import { type BrokerConfig, buildLogConfig, configRules, topicRules } from './config/mod.ts';
import { readControlSecret } from './control-secret.ts';
import { ClusterKeeper, Controller, settleClusterMinimum } from './controller/mod.ts';
import type { CoordinationStore } from './coordination/mod.ts';
import { GroupCoordinator, groupConfigOf } from './groups/mod.ts';
import { allHandlers, Broker, HandlerRouter, OFFSETS_TOPIC, PeerConnections, ProducerIds } from './handlers/mod.ts';
import { type ListenerPlan, planListeners } from './listeners.ts';
import { identifyFolders, LogManager } from './log/mod.ts';
import {
  BrokerLifecycle,
  CONTROL_LISTENER,
  ControllerChannel,
  ControllerSearch,
  HistoryReport,
  IsolationWatch,
  PeerConnector,
  PeerProbe,
  peerPositions,
} from './membership/mod.ts';
import {
  ConfigResource,
  configsOf,
  EMPTY_IMAGE,
  LocalCopy,
  type MetadataImage,
  MetadataLoader,
} from './metadata/mod.ts';
import { exportMetrics } from './metrics.ts';
import { Server } from './network/mod.ts';
import { hasOwnStore, openStore } from './open-store.ts';
import { FetchSessions, ReplicaManager } from './replication/mod.ts';
import { BrokerError, type Runtime, randomUuid } from './std/mod.ts';
import { Telemetry } from './telemetry/mod.ts';

/** Named like the folder of the store, which Kafka leaves alone. */
export const LOCAL_COPY_FOLDER = '__cluster_metadata-20001';
/** A store may keep no more than 256 batches. */
const SNAPSHOT_BATCHES_MAX = 200;
/** Requests may still be on their way when the listeners close; they get this long to be answered. */
const DRAIN_MS = 500;
/** Whole sessions without a word from anybody, after which a broker takes itself for cut off. */
const ISOLATION_SESSIONS = 2;
/** A controller that does not answer must not keep a broker from stopping. */
const CONTROLLED_SHUTDOWN_MS = 10_000;

export interface RunningBroker {
  readonly broker: Broker;
  readonly listeners: readonly ListenerPlan[];
  readonly telemetry: Telemetry;
  readonly isReady: () => boolean;
  /** The offset of this process' registration. */
  readonly brokerEpoch: () => number;
  /**
   * Drains, flushes and leaves a clean shutdown behind. Waits up to `permitMs` for the moment at which the cluster can
   * spare this broker.
   */
  close(options?: { readonly permitMs?: number }): Promise<void>;
}

export async function startBroker(options: {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  /** Default: the one that `ottla.coordination` names. */
  readonly store?: CoordinationStore;
}): Promise<RunningBroker> {
  const { runtime, config } = options;
  const { clock, random, disk, log } = runtime;
  const folders = config.logFolders;
  const found = identifyFolders(disk, folders);
  const nodeId = nodeIdOf(config, found?.nodeId);

  const store = options.store ?? (await openStore(config, runtime));
  const localCopy = new LocalCopy({ disk, folder: `${folders[0]}/${LOCAL_COPY_FOLDER}`, log });
  const loader = new MetadataLoader({ store, clock, log, localCopy });
  const router = new HandlerRouter(allHandlers);
  const telemetry = new Telemetry();
  let lastPeerMs = clock.monotonicMs();
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
      requestReceived: ({ connection, clientId }) => {
        // What this broker says to itself tells nothing of others.
        if (connection.isControlListener && clientId !== `broker-${nodeId}`) lastPeerMs = clock.monotonicMs();
      },
      responseSent: (context, responseBytes, times) =>
        telemetry.requestDone(context.api.name, context.sizeBytes, responseBytes, times),
    },
  });
  // Peers may dial as soon as the log names this broker, so its ports are bound before anything does. Until the rooms
  // are wired the router answers by closing the connection.
  const listeners = await bindListeners(server, config);
  const endpoints = listeners.map(({ name, isControl, advertisedHost, advertisedPort }) => ({
    name: isControl ? CONTROL_LISTENER : name,
    host: advertisedHost,
    port: advertisedPort,
  }));

  const controlSecret = readControlSecret(config, disk, listeners);
  const connector = new PeerConnector({ network: runtime.network, random, nodeId, secret: controlSecret });

  // Metadata first: a topic's configs say how its log is opened.
  await loader.until((image) => image !== EMPTY_IMAGE || loader.isAtEnd);
  const controller = new Controller({
    store,
    loader,
    clock,
    random,
    log,
    nodeId,
    clusterId: found?.clusterId ?? randomUuid(random),
    endpoints: () => endpoints,
    missingRecords: (image) => settleClusterMinimum(image, config.staticText('min.insync.replicas') ?? '1'),
    peerPositions: () =>
      peerPositions({ image: loader.image, clusterId: loader.image.clusterId, nodeId, connector, clock }),
    ...snapshotInterval(config),
  });
  const keeper = new ClusterKeeper({
    controller,
    image: () => loader.image,
    clock,
    log,
    topicRules: topicRules(config),
    mayWriteFreely: () => store.writeBudget.waitMs('expansion') === 0,
    limits: () => ({
      sessionTimeoutMs: config.number('broker.session.timeout.ms'),
      balancesLeaders: config.boolean('auto.leader.rebalance.enable'),
      balanceIntervalMs: config.number('leader.imbalance.check.interval.seconds') * 1000,
    }),
  });
  keeper.start();
  loader.start();
  const readAnew = (): MetadataLoader => new MetadataLoader({ store, clock, log });
  const historyReport = new HistoryReport({ loader, readAnew, connector, clock });
  // Nobody has claimed the log yet, so nobody has named the cluster: whoever leads first does.
  const isNewCluster = loader.image.clusterId === '';
  if (isNewCluster) controller.start();
  const { clusterId } = await loader.until((image) => image.clusterId !== '');

  const logs = await LogManager.open({
    runtime,
    folders,
    nodeId,
    clusterId,
    configOf: (topic) => buildLogConfig(config, configsOf(loader.image, ConfigResource.topic, topic)),
    config: {
      retentionCheckIntervalMs: config.number('log.retention.check.interval.ms'),
      recoveryPointCheckpointIntervalMs: config.number('log.flush.offset.checkpoint.interval.ms'),
      logStartCheckpointIntervalMs: config.number('log.flush.start.offset.checkpoint.interval.ms'),
      highWatermarkCheckpointIntervalMs: config.number('replica.high.watermark.checkpoint.interval.ms'),
      producerIdExpirationMs: config.number('producer.id.expiration.ms'),
      cleanerEnabled: config.boolean('log.cleaner.enable'),
      cleanerBackoffMs: config.number('log.cleaner.backoff.ms'),
      cleanerDedupeBufferBytes: config.number('log.cleaner.dedupe.buffer.size'),
    },
    recoveryThreads: config.number('num.recovery.threads.per.data.dir'),
  });

  const storeMs = (): number => loader.readMs;
  const search = new ControllerSearch({ image: () => loader.image, storeMs, nodeId, connector, clock, log });
  search.onContact = () => {
    lastPeerMs = clock.monotonicMs();
  };
  // Answers come in the order of the requests. A heartbeat may not wait behind a change that waits for the store, so
  // heartbeats have a connection of their own.
  const openChannel = (): ControllerChannel =>
    new ControllerChannel({ connector, clock, log, controller: () => search.known });
  const channel = openChannel();
  const heartbeatChannel = openChannel();
  const controllerMoved = (): void => {
    channel.controllerMoved();
    heartbeatChannel.controllerMoved();
  };
  loader.subscribe(controllerMoved);
  search.onFound = controllerMoved;
  const lifecycle = new BrokerLifecycle({
    nodeId,
    clusterId,
    channel: heartbeatChannel,
    loader,
    clock,
    log,
    registration: {
      incarnationId: randomUuid(random),
      endpoints,
      rack: config.text('broker.rack'),
      directories: logs.folders.filter(({ isOffline }) => !isOffline).map(({ directoryId }) => directoryId),
    },
    previousEpoch: logs.previousBrokerEpoch ?? -1,
    heartbeatIntervalMs: config.number('broker.heartbeat.interval.ms'),
    sessionTimeoutMs: config.number('broker.session.timeout.ms'),
    troubledFolders: () => ({
      failed: logs.folders.filter(({ isOffline }) => isOffline).map(({ directoryId }) => directoryId),
      full: logs.fullFolders().map(({ directoryId }) => directoryId),
    }),
    onReplaced: () => server.destroy(),
  });
  logs.onFolderOffline = () => lifecycle.tellSoon();
  logs.onFolderFull = () => lifecycle.tellSoon();
  const isolation = new IsolationWatch({
    clock,
    log,
    timeoutMs: ISOLATION_SESSIONS * config.number('broker.session.timeout.ms'),
    contacts: () => ({ storeMs: loader.readMs, controllerMs: lifecycle.heardMs, peerMs: lastPeerMs }),
    brokerCount: () => loader.image.brokers.size,
  });
  const probe = new PeerProbe({ network: runtime.network, clock });
  const replicas = new ReplicaManager({
    nodeId,
    logs,
    runtime,
    isKnownPartition: (topic, partition) => loader.image.topicsByName.get(topic)?.partitions[partition] !== undefined,
    config: replicationConfig(config),
    cluster: clusterOf({ runtime, connector, loader, channel, lifecycle }),
    throttleRates: () => ({
      leader: config.number('leader.replication.throttled.rate'),
      follower: config.number('follower.replication.throttled.rate'),
    }),
    leadershipChanged: (replica) => {
      if (replica.topic === OFFSETS_TOPIC) electOrResign(groups, replica);
    },
    configOf: (topic) => replicaConfigOf(config, loader.image, topic, nodeId),
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
  const broker = new Broker({
    runtime,
    nodeId,
    clusterId,
    isAlone: options.store === undefined && hasOwnStore(config),
    config,
    rules: configRules(config),
    telemetry,
    metadata: loader,
    controller,
    keeper,
    channel,
    controlSecret,
    isIsolated: () => isolation.isIsolated,
    peerConnections: new PeerConnections((brokerId, brokerEpoch) =>
      fenceIfGone({ brokerId, brokerEpoch, controller, keeper, probe, loader }),
    ),
    logs,
    replicas,
    fetchSessions: new FetchSessions({
      clock,
      random,
      slots: config.number('max.incremental.fetch.session.cache.slots'),
    }),
    groups,
    producerIds: new ProducerIds({ channel, brokerId: nodeId, brokerEpoch: () => lifecycle.brokerEpoch }),
    servedVersions: (key, isControl) => router.servedVersions(key, isControl),
    handlerOf: (key) => router.handlerOf(key),
  });
  heartbeatChannel.onLost = (controllerId) => takeOverIfGone({ controllerId, controller, keeper, probe, loader });
  router.serve(broker);
  exportMetrics({ telemetry, broker, server, logs });
  if (!isNewCluster) controller.start();

  // The image may say that this broker leads what it led before it stopped. It does not until its registration is in
  // the log, for with that the controller has decided what a broker that was away may still lead.
  await lifecycle.register();
  await adoptLogs({ controller, image: loader.image, logs, nodeId, log });
  let before: MetadataImage | undefined = loader.actedOn;
  await loader.attach(async (image, delta) => {
    await applyImage({ before, image, delta, nodeId, config, replicas, groups, telemetry });
    before = undefined;
  });
  await lifecycle.serve();
  await loader.until((image) => image.brokers.get(nodeId)?.isFenced === false);

  let isClosing = false;
  return {
    broker,
    listeners,
    telemetry,
    brokerEpoch: () => lifecycle.brokerEpoch,
    isReady: () => !isClosing && lifecycle.isServing && !isolation.isIsolated,
    async close({ permitMs = 0 } = {}): Promise<void> {
      if (isClosing) return;
      isClosing = true;
      if (permitMs > 0) await lifecycle.awaitStopPermit(permitMs, config.staticValues().get('ottla.pod.uid') ?? null);
      await lifecycle.shutDown(CONTROLLED_SHUTDOWN_MS);
      await server.close();
      await new Promise<void>((resolve) => {
        if (server.connectionCount === 0) resolve();
        else clock.after(DRAIN_MS, resolve);
      });
      server.destroy();
      channel.close();
      heartbeatChannel.close();
      keeper.close();
      isolation.close();
      historyReport.close();
      search.close();
      await groups.close();
      loader.close();
      replicas.close();
      await controller.close();
      await logs.close({ brokerEpoch: lifecycle.brokerEpoch });
      await store.close();
      await runtime.executor.close();
    },
  };
}

async function bindListeners(server: Server, config: BrokerConfig): Promise<ListenerPlan[]> {
  const listeners: ListenerPlan[] = [];
  for (const plan of planListeners(config)) {
    const port = await server.listen({ name: plan.name, host: plan.host, port: plan.port, isControl: plan.isControl });
    listeners.push({ ...plan, port, advertisedPort: plan.advertisedPort === 0 ? port : plan.advertisedPort });
  }
  return listeners;
}

function nodeIdOf(config: BrokerConfig, found: number | undefined): number {
  const configured = config.text('node.id') ?? config.text('broker.id');
  const id = configured === null || configured === '-1' ? (found ?? 1) : Number(configured);
  if (found !== undefined && found !== id) {
    throw new BrokerError('config.invalid', `node.id is ${id}, but the log folders belong to node ${found}`);
  }
  return id;
}

/** `ottla.metadata.snapshot.batches`: how many batches of the metadata log may come between two snapshots. */
function snapshotInterval(config: BrokerConfig): { readonly snapshotEvery?: number } {
  const text = config.staticValues().get('ottla.metadata.snapshot.batches');
  if (text === undefined) return {};
  const snapshotEvery = Number(text);
  if (Number.isInteger(snapshotEvery) && snapshotEvery > 0 && snapshotEvery <= SNAPSHOT_BATCHES_MAX)
    return { snapshotEvery };
  throw new BrokerError(
    'config.invalid',
    `ottla.metadata.snapshot.batches is ${text}; write a whole number from 1 to ${SNAPSHOT_BATCHES_MAX}`,
  );
}
