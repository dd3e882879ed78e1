/**
 * How a broker stops: it leaves its cluster in good order, and says on disk that it did.
 *
 *   permit -> leaders move -> clients are answered -> controller goes -> logs are flushed -> control listener closes
 *
 * One deadline stands over everything before the flush, for a broker that is killed while it flushes counts as one that
 * crashed, on all its partitions. The control listener and the connection of the heartbeats go last: while they are
 * there, followers fetch what clients wait for, and nobody takes this process for dead; once they are gone, it is.
 */
import type { ClusterKeeper, Controller } from './controller/mod.ts';
import type { CoordinationStore } from './coordination/mod.ts';
import type { GroupCoordinator } from './groups/mod.ts';
import type { LogManager } from './log/mod.ts';
import type {
  BrokerLifecycle,
  ControllerChannel,
  ControllerSearch,
  HistoryReport,
  IsolationWatch,
} from './membership/mod.ts';
import type { MetadataLoader } from './metadata/mod.ts';
import type { Server } from './network/mod.ts';
import type { ReplicaManager } from './replication/mod.ts';
import { Deadline, type Runtime } from './std/mod.ts';
import { flushAfterMs, type StopSettings } from './stop-settings.ts';

/** A controller that does not answer must not keep a broker from stopping. */
const CONTROLLED_SHUTDOWN_MS = 10_000;
/** Requests may still be on their way when the listeners close; they get this long to be answered. */
const DRAIN_MS = 500;

/** What of a broker there is so far: it may be told to stop at any moment of its start. */
export interface OpenParts {
  store?: CoordinationStore;
  server?: Server;
  loader?: MetadataLoader;
  historyReport?: HistoryReport;
  search?: ControllerSearch;
  controller?: Controller;
  keeper?: ClusterKeeper;
  logs?: LogManager;
  channels?: readonly ControllerChannel[];
  lifecycle?: BrokerLifecycle;
  isolation?: IsolationWatch;
  replicas?: ReplicaManager;
  groups?: GroupCoordinator;
}

export async function closeBroker(open: OpenParts, runtime: Runtime, settings: StopSettings): Promise<void> {
  const { store, server, loader, controller, keeper, logs, channels, lifecycle, replicas, groups } = open;
  const flush = new Deadline(runtime.clock, flushAfterMs(settings));
  if (settings.permitMs > 0) await lifecycle?.awaitStopPermit(flush.within(settings.permitMs), settings.podUid);
  await lifecycle?.shutDown(flush.within(CONTROLLED_SHUTDOWN_MS));
  if (server !== undefined) await flush.within(DRAIN_MS).wait(server.drainClients());
  server?.cutClients();
  keeper?.close();
  open.isolation?.close();
  open.historyReport?.close();
  open.search?.close();
  await groups?.close();
  loader?.close();
  replicas?.close();
  if (controller !== undefined) await flush.wait(controller.close());
  await logs?.close({ brokerEpoch: lifecycle?.brokerEpoch ?? -1 });
  await server?.close();
  for (const channel of channels ?? []) channel.close();
  await store?.close();
  await runtime.executor.close();
}

/**
 * This process may do nothing any more: another has its id, or its disks are gone. Nobody is told, nothing is flushed,
 * and nothing on disk says that it ended well.
 */
export async function abandonBroker(open: OpenParts): Promise<void> {
  const closed = open.server?.close();
  open.controller?.abandon();
  open.lifecycle?.close();
  open.keeper?.close();
  open.isolation?.close();
  open.historyReport?.close();
  open.search?.close();
  open.loader?.close();
  open.replicas?.close();
  for (const channel of open.channels ?? []) channel.close();
  await closed;
}
