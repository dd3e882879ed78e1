/**
 * Wires the rooms of one broker together and starts them in order. A function of its runtime, so that main, in-process
 * tests and the simulator start the same broker.
 */

import { adoptLogs } from './adopt-logs.ts';
import { applyImage, electOrResign } from './apply-image.ts';
import { abandonBroker, closeBroker, type OpenParts } from './close-broker.ts';
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
  controlEndpointOf,
  HistoryReport,
  IsolationWatch,
  PeerConnector,
  PeerContacts,
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
import { type StopSettings, stopSettings } from './stop-settings.ts';
import { Telemetry } from './telemetry/mod.ts';

/** Named like the folder of the store, which Kafka leaves alone. */
export const LOCAL_COPY_FOLDER = '__cluster_metadata-20001';
/** A store may keep no more than 256 batches. */
const SNAPSHOT_BATCHES_MAX = 200;
/** Whole sessions without a word from anybody, after which a broker takes itself for cut off. */
const ISOLATION_SESSIONS = 2;

export interface RunningBroker {
  readonly broker: Broker;
  readonly listeners: readonly ListenerPlan[];
  readonly telemetry: Telemetry;
  readonly isReady: () => boolean;
  /** The offset of this process' registration. */
  readonly brokerEpoch: () => number;
  /** Waits until the cluster can spare this broker, drains, flushes, and leaves a clean shutdown behind. */
  close(overrides?: Partial<StopSettings>): Promise<void>;
}

export interface StartOptions {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  /** Default: the one that `ottla.coordination` names. */
  readonly store?: CoordinationStore;
  /** Once aborted, a broker that does not serve yet closes what it has opened, and its start rejects. */
  readonly stop?: AbortSignal;
  /**
   * Called when the broker has ended by itself, at once and without a clean stop, because it may do nothing any more:
   * the process should end.
   */
  readonly onFatal?: (error: BrokerError) => void;
}

export async function startBroker(options: StartOptions): Promise<RunningBroker> {
  const { runtime, config } = options;
  const settings = stopSettings(config);
  const open: OpenParts = {};
  let closing: Promise<void> | undefined;
  const close = (overrides: Partial<StopSettings> = {}): Promise<void> => {
    closing ??= closeBroker(open, runtime, { ...settings, ...overrides });
    return closing;
  };
  const die = (error: BrokerError): void => {
    if (closing !== undefined) return;
    runtime.log.error({ err: error }, 'this broker ends at once');
    closing = abandonBroker(open);
    options.onFatal?.(error);
  };
  try {
    const begun = await begin(options, open, die);
    return { ...begun, isReady: () => closing === undefined && begun.isReady(), close };
  } catch (error) {
    await close().catch((err: unknown) => runtime.log.warn({ err }, 'a start that failed left something open'));
    throw error;
  }
}

/** Whatever needs closing is in `open` as soon as it is there. */
async function begin(
  options: StartOptions,
  open: OpenParts,
  die: (error: BrokerError) => void,
): Promise<Omit<RunningBroker, 'close'>> {
  const { runtime, config } = options;
  const orStopped = untilStopped(options.stop);
  const { clock, random, disk, log } = runtime;
  const folders = config.logFolders;
  const found = identifyFolders(disk, folders);
  const nodeId = nodeIdOf(config, found?.nodeId);
  const directoryId = found?.directoryId ?? randomUuid(random);

  const store = options.store ?? (await orStopped(openStore(config, runtime)));
  open.store = store;
  const localCopy = new LocalCopy({ disk, folder: `${folders[0]}/${LOCAL_COPY_FOLDER}`, log });
  const loader = new MetadataLoader({ store, clock, log, localCopy });
  open.loader = loader;
  const router = new HandlerRouter(allHandlers);
  const telemetry = new Telemetry();
  const server = new Server({
    runtime,
    router,
    limits: () => ({
      frameBytesMax: config.number('socket.request.max.bytes'),
      idleMsMax: config.number('connections.max.idle.ms'),
      connectionsMax: config.number('max.connections'),
      connectionsPerAddressMax: config.number('max.connections.per.ip'),
    }),
    ...requestBytesMax(config),
    observer: {
      responseSent: (context, responseBytes, times) =>
        telemetry.requestDone(context.api.name, context.sizeBytes, responseBytes, times),
    },
  });
  open.server = server;
  // Peers may dial as soon as the log names this broker, so its ports are bound before anything does. Until the rooms
  // are wired the router answers by closing the connection.
  const listeners = await bindListeners(server, config);
  const endpoints = listeners.map(({ name, isControl, advertisedHost, advertisedPort }) => ({
    name: isControl ? CONTROL_LISTENER : name,
    host: advertisedHost,
    port: advertisedPort,
  }));

  const controlSecret = readControlSecret(config, disk, listeners);
  const contacts = new PeerContacts({ clock, nodeId, ownAddress: controlEndpointOf(endpoints) });
  const connector = new PeerConnector({ network: runtime.network, random, nodeId, secret: controlSecret, contacts });

  // Metadata first: a topic's configs say how its log is opened.
  await orStopped(loader.until((image) => image !== EMPTY_IMAGE || loader.isAtEnd));
  const controller = new Controller({
    store,
    loader,
    clock,
    random,
    log,
    nodeId,
    directoryId,
    clusterId: found?.clusterId ?? randomUuid(random),
    endpoints: () => endpoints,
    missingRecords: (image) => settleClusterMinimum(image, config.staticText('min.insync.replicas') ?? '1'),
    peerPositions: () =>
      peerPositions({ image: loader.image, clusterId: loader.image.clusterId, nodeId, connector, clock }),
    ...snapshotInterval(config),
  });
  open.controller = controller;
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
  open.keeper = keeper;
  keeper.start();
  loader.start();
  const readAnew = (): MetadataLoader => new MetadataLoader({ store, clock, log });
  const historyReport = new HistoryReport({ loader, readAnew, connector, clock });
  open.historyReport = historyReport;
  // Nobody has claimed the log yet, so nobody has named the cluster: whoever leads first does.
  const isNewCluster = loader.image.clusterId === '';
  if (isNewCluster) controller.start();
  const { clusterId } = await orStopped(loader.until((image) => image.clusterId !== ''));

  const opening = LogManager.open({
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
    ...(found === undefined ? { firstDirectoryId: directoryId } : {}),
  });
  const logs = await orStopped(opening);
  open.logs = logs;

  const storeMs = (): number => loader.readMs;
  const search = new ControllerSearch({ image: () => loader.image, storeMs, nodeId, connector, clock, log });
  open.search = search;
  // Answers come in the order of the requests. A heartbeat may not wait behind a change that waits for the store, so
  // heartbeats have a connection of their own.
  const openChannel = (): ControllerChannel =>
    new ControllerChannel({ connector, clock, log, controller: () => search.known });
  const channel = openChannel();
  const heartbeatChannel = openChannel();
  open.channels = [channel, heartbeatChannel];
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
    onReplaced: () => die(new BrokerError('data.foreign', `another process took over node id ${nodeId}`)),
  });
  open.lifecycle = lifecycle;
  logs.onFolderOffline = () => {
    if (logs.folders.every(({ isOffline }) => isOffline))
      die(new BrokerError('log.offline', 'every log folder failed'));
    else lifecycle.tellSoon();
  };
  logs.onFolderFull = () => lifecycle.tellSoon();
  const isolation = new IsolationWatch({
    clock,
    log,
    timeoutMs: ISOLATION_SESSIONS * config.number('broker.session.timeout.ms'),
    contacts: () => ({ storeMs: loader.readMs, peerMs: contacts.heardMs }),
    brokerCount: () => loader.image.brokers.size,
  });
  open.isolation = isolation;
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
  open.replicas = replicas;
  const groups = new GroupCoordinator({
    runtime,
    config: groupConfigOf(config),
    topics: {
      partitionCount: (topic) => loader.image.topicsByName.get(topic)?.partitions.length,
      topicId: (topic) => loader.image.topicsByName.get(topic)?.id,
      topicName: (id) => loader.image.topicsById.get(id)?.name,
    },
  });
  open.groups = groups;
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
    peerSpoke: (clientId) => contacts.spoke(clientId),
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
  // the log, for with that the controller has decided what a broker that was away may still lead. Until then nothing is
  // written either: a broker that waits for its store, however it ends, leaves its logs as it found them.
  await orStopped(lifecycle.register());
  logs.takeIntoUse();
  await orStopped(adoptLogs({ controller, image: loader.image, logs, nodeId, log }));
  let before: MetadataImage | undefined = loader.actedOn;
  const applied = loader.attach(async (image, delta) => {
    await applyImage({ before, image, delta, nodeId, config, replicas, groups, telemetry });
    before = undefined;
  });
  await orStopped(applied);
  await orStopped(lifecycle.serve());
  await orStopped(loader.until((image) => image.brokers.get(nodeId)?.isFenced === false));
  return {
    broker,
    listeners,
    telemetry,
    brokerEpoch: () => lifecycle.brokerEpoch,
    isReady: () => lifecycle.isServing && !isolation.isIsolated,
  };
}

/** Makes a step of the start end as soon as the broker is told to stop. */
function untilStopped(stop: AbortSignal | undefined): <Value>(step: Promise<Value>) => Promise<Value> {
  const stopped = new Promise<never>((_, reject) => {
    const give = (): void => reject(new BrokerError('net.closed', 'the broker was told to stop before it served'));
    if (stop?.aborted === true) give();
    else stop?.addEventListener('abort', give, { once: true });
  });
  stopped.catch(() => {});
  return (step) => Promise.race([step, stopped]);
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

/** `queued.max.request.bytes`, which leaves it to the broker where it is not set. */
function requestBytesMax(config: BrokerConfig): { readonly requestBytesMax?: number } {
  const bytes = config.number('queued.max.request.bytes');
  return bytes > 0 ? { requestBytesMax: bytes } : {};
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
