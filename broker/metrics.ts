/** The gauges of one broker under the names of Kafka's MBeans; what they read is asked only when Prometheus asks. */
import type { Broker } from './handlers/mod.ts';
import type { LogManager } from './log/mod.ts';
import type { Server } from './network/mod.ts';
import { LatencyHistogram, type Telemetry } from './telemetry/mod.ts';

export function exportMetrics(options: {
  readonly telemetry: Telemetry;
  readonly broker: Broker;
  readonly server: Server;
  readonly logs: LogManager;
}): void {
  const { telemetry, broker, server, logs } = options;
  const { replicas, controller, groups } = broker;
  const count = (matches: (replica: ReturnType<typeof replicas.get> & object) => boolean): number => {
    let total = 0;
    for (const replica of replicas.all()) if (matches(replica)) total++;
    return total;
  };
  const gauge = (name: string, help: string, read: () => number): void => telemetry.export(name, help, [], read);

  gauge('kafka_server_replicamanager_partitioncount', 'Partitions on this broker.', () => count(() => true));
  gauge('kafka_server_replicamanager_leadercount', 'Partitions that this broker leads.', () =>
    count((r) => r.isLeader),
  );
  gauge('kafka_server_replicamanager_underreplicatedpartitions', 'Led partitions with replicas out of sync.', () =>
    count((replica) => replica.isUnderReplicated),
  );
  gauge('kafka_server_replicamanager_underminisrpartitioncount', 'Led partitions below min.insync.replicas.', () =>
    count((replica) => replica.isUnderMinInSync),
  );
  gauge(
    'kafka_server_replicamanager_offlinereplicacount',
    'Replicas whose logs are offline.',
    () => replicas.offlineCount + count((replica) => replica.log.logFolder.isOffline),
  );
  const { counters } = replicas;
  gauge(
    'kafka_server_replicamanager_isrshrinks_total',
    'In-sync sets that lost a member.',
    () => counters.inSyncShrinks,
  );
  gauge(
    'kafka_server_replicamanager_isrexpands_total',
    'In-sync sets that gained a member.',
    () => counters.inSyncExpands,
  );
  gauge(
    'kafka_server_replicamanager_failedisrupdates_total',
    'Changes of in-sync sets that the controller did not take.',
    () => counters.failedInSyncUpdates,
  );
  gauge('kafka_server_replicamanager_atminisrpartitioncount', 'Led partitions at min.insync.replicas.', () =>
    count((replica) => replica.isAtMinInSync),
  );
  gauge(
    'kafka_server_replicafetchermanager_maxlag',
    'Records that the replica furthest behind its leader lacks.',
    () => replicas.maxLag,
  );
  gauge(
    'kafka_server_brokertopicmetrics_replicationbytesin_total',
    'Bytes fetched from leaders.',
    () => counters.replicationBytesIn,
  );
  gauge(
    'kafka_server_brokertopicmetrics_replicationbytesout_total',
    'Bytes fetched by followers.',
    () => counters.replicationBytesOut,
  );
  gauge(
    'kafka_server_brokertopicmetrics_reassignmentbytesin_total',
    'Bytes fetched from leaders by replicas that are being added.',
    () => counters.reassignmentBytesIn,
  );
  gauge(
    'kafka_server_brokertopicmetrics_reassignmentbytesout_total',
    'Bytes fetched by replicas that are being added.',
    () => counters.reassignmentBytesOut,
  );
  gauge('kafka_controller_kafkacontroller_activecontrollercount', '1 on the active controller.', () =>
    controller.isActive ? 1 : 0,
  );
  gauge(
    'kafka_controller_controllerstats_uncleanleaderelections_total',
    'Leaders elected by this controller that may lack records.',
    () => controller.uncleanElections,
  );
  gauge('kafka_controller_kafkacontroller_offlinepartitionscount', 'Partitions without a leader.', () => {
    let offline = 0;
    for (const topic of broker.image.topicsByName.values()) {
      for (const { leader } of topic.partitions) if (leader === -1) offline++;
    }
    return offline;
  });
  gauge(
    'kafka_controller_kafkacontroller_globaltopiccount',
    'Topics in the cluster.',
    () => broker.image.topicsByName.size,
  );
  gauge('kafka_controller_kafkacontroller_globalpartitioncount', 'Partitions in the cluster.', () => {
    let partitions = 0;
    for (const topic of broker.image.topicsByName.values()) partitions += topic.partitions.length;
    return partitions;
  });
  gauge('kafka_server_socketservermetrics_connection_count', 'Open connections.', () => server.connectionCount);
  let idleShare = 1;
  gauge(
    'kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent',
    'Share of the time since the last scrape, 0 to 1, in which the event loop was idle.',
    () => {
      idleShare = broker.runtime.clock.idleShare();
      return idleShare;
    },
  );
  // One loop does both jobs; the second name is for dashboards that ask for it.
  gauge(
    'kafka_network_socketserver_networkprocessoravgidlepercent',
    'The same as RequestHandlerAvgIdlePercent.',
    () => idleShare,
  );
  telemetry.export(
    'kafka_server_delayedoperationpurgatory_purgatorysize',
    'Requests that are parked.',
    ['delayedoperation'],
    () => {
      let produces = 0;
      let fetches = 0;
      for (const replica of replicas.all()) {
        produces += replica.parkedProduces;
        fetches += replica.parkedFetches;
      }
      return [
        { labels: { delayedoperation: 'Produce' }, value: produces },
        { labels: { delayedoperation: 'Fetch' }, value: fetches },
      ];
    },
  );
  telemetry.export('kafka_log_log_size', 'Bytes of a partition on disk.', ['topic', 'partition'], () =>
    [...logs.all()].map((log) => ({
      labels: { topic: log.topic, partition: String(log.partition) },
      value: log.sizeBytes,
    })),
  );
  telemetry.export('kafka_log_log_logendoffset', 'Next offset of a partition.', ['topic', 'partition'], () =>
    [...logs.all()].map((log) => ({
      labels: { topic: log.topic, partition: String(log.partition) },
      value: log.logEndOffset,
    })),
  );
  exportLogMetrics(telemetry, logs, () => broker.runtime.clock.monotonicMs());
  telemetry.export('kafka_coordinator_group_groupmetadatamanager_numgroups', 'Groups by state.', ['state'], () =>
    [...groups.countByState()].map(([state, value]) => ({ labels: { state }, value })),
  );
  telemetry.export(
    'kafka_consumergroup_lag',
    'Records between the committed offset and the end of the partition.',
    ['group', 'topic', 'partition'],
    () =>
      [...groups.committedOffsets()].flatMap(({ groupId, topic, partition, offset }) => {
        const replica = replicas.get(topic, partition);
        if (replica === undefined) return [];
        const labels = { group: groupId, topic, partition: String(partition) };
        return [{ labels, value: Math.max(0, replica.highWatermark - offset) }];
      }),
  );
}

const FLUSH_QUANTILES = [0.5, 0.95, 0.99, 0.999];

/** Kafka's kafka.log:type=LogFlushStats, LogCleaner and LogCleanerManager. */
function exportLogMetrics(telemetry: Telemetry, logs: LogManager, nowMs: () => number): void {
  const flushes = new LatencyHistogram();
  let flushCount = 0;
  logs.onFlushed = (elapsedMs) => {
    flushes.add(elapsedMs);
    flushCount += 1;
  };
  telemetry.export('kafka_log_logflushstats_logflushrateandtimems_count', 'Flushes of logs.', [], () => flushCount);
  telemetry.export(
    'kafka_log_logflushstats_logflushrateandtimems',
    'Time of a flush, in milliseconds, since the last scrape.',
    ['quantile'],
    () => {
      const samples = FLUSH_QUANTILES.map((quantile) => ({
        labels: { quantile: String(quantile) },
        value: flushes.quantile(quantile),
      }));
      flushes.reset();
      return samples;
    },
  );
  const gauge = (name: string, help: string, read: (status: LogManager['cleanerStatus']) => number): void =>
    telemetry.export(`kafka_log_${name}`, help, [], () => read(logs.cleanerStatus));
  gauge(
    'logcleanermanager_max_dirty_percent',
    'Dirty share of the dirtiest compacted log, when the cleaner last looked.',
    ({ maxDirtyRatio }) => Math.floor(100 * maxDirtyRatio),
  );
  gauge(
    'logcleanermanager_time_since_last_run_ms',
    'Time since the cleaner last looked for dirty logs.',
    ({ lastRunMs }) => nowMs() - lastRunMs,
  );
  gauge(
    'logcleaner_max_compaction_delay_secs',
    'How long ago max.compaction.lag.ms ran out for the oldest dirty record of any log.',
    ({ maxOverdueMs }) => maxOverdueMs / 1000,
  );
  gauge('logcleaner_max_clean_time_secs', 'Time that the last cleaning took.', ({ elapsedMs }) => elapsedMs / 1000);
  gauge(
    'logcleaner_max_buffer_utilization_percent',
    'How full the map of keys was in the last cleaning.',
    ({ mapUtilization }) => 100 * mapUtilization,
  );
  gauge(
    'logcleaner_cleaner_recopy_percent',
    'Bytes that the last cleaning wrote, of those it read.',
    ({ bytesRead, bytesWritten }) => Math.floor((100 * bytesWritten) / Math.max(bytesRead, 1)),
  );
  gauge(
    'logcleaner_deadthreadcount',
    'Always 0: a log that cannot be cleaned is set aside, the cleaner goes on.',
    () => 0,
  );
  telemetry.export(
    'kafka_log_logcleanermanager_uncleanable_partitions_count',
    'Logs that could not be cleaned and are set aside until a restart.',
    ['logdirectory'],
    () => {
      const uncleanable = logs.uncleanable();
      return logs.folders.map((folder) => ({
        labels: { logdirectory: folder.path },
        value: uncleanable.filter(({ logFolder }) => logFolder === folder).length,
      }));
    },
  );
}
