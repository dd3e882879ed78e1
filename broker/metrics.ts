/** The gauges of one broker under the names of Kafka's MBeans; what they read is asked only when Prometheus asks. */
import type { Broker } from './handlers/mod.ts';
import type { LogManager } from './log/mod.ts';
import type { Server } from './network/mod.ts';
import type { Telemetry } from './telemetry/mod.ts';

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
