/** An image as records, so that a snapshot is a log that happens to be short: one format, one reader. */
import { assert, ZERO_UUID } from '../std/mod.ts';
import type { MetadataImage } from './image.ts';
import { decodeBatch, encodeBatch, type MetadataBatch, type MetadataRecord } from './records.ts';

/** Records per chunk: keeps a chunk well below what a store takes in one object. */
const RECORDS_PER_CHUNK = 1000;

export function imageToRecords(image: MetadataImage): MetadataRecord[] {
  assert(image.unfinished === undefined, 'a snapshot is taken between changes, not within one');
  const records: MetadataRecord[] = [];
  if (image.clusterId !== '') records.push({ kind: 'Cluster', clusterId: image.clusterId });
  if (image.controllerId >= 0) {
    records.push({
      kind: 'RegisterController',
      controllerId: image.controllerId,
      incarnationId: ZERO_UUID,
      zkMigrationReady: false,
      endPoints: image.controllerEndpoints.map((endpoint) => ({ ...endpoint, securityProtocol: 0 })),
      features: [],
    });
  }
  const { hasHadTopics, terms } = image;
  if (hasHadTopics || terms.length > 0) records.push({ kind: 'History', hasHadTopics, terms: [...terms] });
  for (const [name, featureLevel] of image.features) records.push({ kind: 'FeatureLevel', name, featureLevel });
  for (const broker of image.brokers.values()) {
    records.push({
      kind: 'RegisterBroker',
      brokerId: broker.id,
      isMigratingZkBroker: false,
      incarnationId: broker.incarnationId,
      brokerEpoch: broker.epoch,
      endPoints: broker.endpoints.map((endpoint) => ({ ...endpoint, securityProtocol: 0 })),
      features: [...broker.features],
      rack: broker.rack,
      fenced: broker.isFenced,
      inControlledShutdown: broker.isShuttingDown,
      logDirs: [...broker.directories],
      cordonedLogDirs: null,
    });
  }
  for (const topic of image.topicsByName.values()) {
    records.push({ kind: 'Topic', name: topic.name, topicId: topic.id });
    for (const partition of topic.partitions) {
      records.push({
        kind: 'Partition',
        partitionId: partition.partition,
        topicId: topic.id,
        replicas: [...partition.replicas],
        isr: [...partition.inSyncReplicas],
        removingReplicas: [...partition.removingReplicas],
        addingReplicas: [...partition.addingReplicas],
        leader: partition.leader,
        leaderRecoveryState: partition.isRecovering ? 1 : 0,
        leaderEpoch: partition.leaderEpoch,
        partitionEpoch: partition.partitionEpoch,
        directories: [...partition.directories],
        eligibleLeaderReplicas: [...partition.eligibleLeaderReplicas],
        lastKnownElr: [...partition.lastKnownEligible],
      });
    }
  }
  for (const [key, values] of image.configs) {
    const at = key.indexOf('/');
    const resource = { resourceType: Number(key.slice(0, at)), resourceName: key.slice(at + 1) };
    for (const [name, value] of values) records.push({ kind: 'Config', ...resource, name, value });
  }
  for (const { entity, values } of image.quotas.values()) {
    for (const [key, value] of values) {
      records.push({ kind: 'ClientQuota', entity: [...entity], key, value, remove: false });
    }
  }
  if (image.nextProducerId > 0) {
    records.push({ kind: 'ProducerIds', brokerId: -1, brokerEpoch: -1, nextProducerId: image.nextProducerId });
  }
  for (const [brokerId, permit] of image.stopPermits) {
    records.push({ kind: 'StopPermit', brokerId, ...permit, isGranted: true });
  }
  const { operatorEpoch, operatorHolder: holder } = image;
  if (operatorEpoch > 0) records.push({ kind: 'OperatorEpoch', operatorEpoch, holder });
  records.push(...image.acls.values(), ...image.scramCredentials.values());
  return records;
}

export function encodeSnapshot(image: MetadataImage): Buffer[] {
  const records = imageToRecords(image);
  const chunks: Buffer[] = [];
  for (let at = 0; at === 0 || at < records.length; at += RECORDS_PER_CHUNK) {
    const part = records.slice(at, at + RECORDS_PER_CHUNK);
    chunks.push(encodeBatch({ controllerEpoch: image.controllerEpoch, records: part }));
  }
  return chunks;
}

export function decodeSnapshot(chunks: readonly Buffer[]): MetadataBatch[] {
  return chunks.map(decodeBatch);
}
