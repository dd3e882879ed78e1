/**
 * Log folders of a living broker that failed, or have no room: others lead what is in them (KIP-112, KIP-858).
 *
 * A folder that failed is gone for as long as the broker runs. One that is full still has everything that was committed
 * and can be read, so the broker keeps leading what nobody else could.
 */
import type { MetadataImage, PartitionImage, TopicImage } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { brokerOf, completedBy, type PartitionChanges, planChanges, registrationChange, without } from './brokers.ts';
import { type ApiError, apiError, type Decision } from './decision.ts';
import { directoryOf } from './directories.ts';
import { type ElectionRules, rulesOf } from './election-rules.ts';
import { planPartitionChange } from './partition-change.ts';

/** Folders failed. Nothing is decided when all have: the broker ends itself then, and is fenced as it goes. */
export function directoriesFailed(
  image: MetadataImage,
  brokerId: number,
  brokerEpoch: number,
  failed: readonly string[],
  rules: ElectionRules,
): Decision<ApiError> {
  const broker = brokerOf(image, brokerId, brokerEpoch);
  if ('errorCode' in broker) return { records: [], result: broker };
  const remaining = broker.directories.filter((id) => !failed.includes(id));
  if (remaining.length === broker.directories.length || remaining.length === 0) {
    return { records: [], result: apiError(ErrorCode.NONE) };
  }
  const changes = planDeparture(image, brokerId, failed, rules, () => true);
  return completedBy(registrationChange(broker, { directories: remaining }), changes);
}

/** Folders are full: the broker leaves what others can go on with, and leads on where nobody could. */
export function handOver(
  image: MetadataImage,
  brokerId: number,
  full: readonly string[],
  rules: ElectionRules,
): PartitionChanges {
  return planDeparture(image, brokerId, full, rules, (topic, partition) => {
    const { mayLead, hasDirectory } = rulesOf(image, topic, rules);
    const hasRoom = (id: number): boolean => !rules.fullDirectories.has(directoryOf(partition, id));
    return partition.inSyncReplicas.some(
      (id) => id !== brokerId && mayLead(id) && hasDirectory(id, partition) && hasRoom(id),
    );
  });
}

function planDeparture(
  image: MetadataImage,
  brokerId: number,
  directories: readonly string[],
  rules: ElectionRules,
  canBeSpared: (topic: TopicImage, partition: PartitionImage) => boolean,
): PartitionChanges {
  return planChanges(image, (topic, partition) => {
    const { inSyncReplicas, leader } = partition;
    if (!inSyncReplicas.includes(brokerId) && leader !== brokerId) return undefined;
    if (!directories.includes(directoryOf(partition, brokerId)) || !canBeSpared(topic, partition)) return undefined;
    return planPartitionChange(partition, rulesOf(image, topic, rules, { leaving: brokerId }), {
      inSyncReplicas: without(inSyncReplicas, brokerId),
    });
  });
}
