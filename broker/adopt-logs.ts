/**
 * A data folder that a Kafka wrote has partitions, but no metadata log of ours. At the first start its topics are
 * entered into the metadata log with the ids and partition counts found on disk, and are served from then on.
 */
import { type Controller, newPartition } from './controller/mod.ts';
import type { LogManager, PartitionLog } from './log/mod.ts';
import type { MetadataImage, MetadataRecord } from './metadata/mod.ts';
import type { Logger } from './std/mod.ts';

export async function adoptLogs(options: {
  readonly controller: Controller;
  readonly image: MetadataImage;
  readonly logs: LogManager;
  readonly nodeId: number;
  readonly log: Logger;
}): Promise<void> {
  const { controller, image, logs, nodeId, log } = options;
  const found = new Map<string, PartitionLog[]>();
  for (const partition of logs.all()) {
    const partitions = found.get(partition.topic);
    if (partitions === undefined) found.set(partition.topic, [partition]);
    else partitions.push(partition);
  }
  // Where the log ever held a topic, what else lies on disk is a leftover, not something to adopt: it may have been
  // deleted. In a cluster nobody could tell which of several brokers has the better copy, so only the broker that is
  // also the controller adopts.
  if (found.size === 0 || image.hasHadTopics || !controller.isActive) return;
  const adopted = await controller.submit((current) => {
    if (current.hasHadTopics) return { records: [], result: [] };
    const records: MetadataRecord[] = [];
    for (const [topic, partitions] of found) records.push(...recordsOf(current, topic, partitions, nodeId));
    return { records, result: [...found.keys()] };
  });
  if (adopted.length > 0) log.info({ topics: adopted }, 'topics found on disk adopted');
}

function recordsOf(
  image: MetadataImage,
  name: string,
  partitions: readonly PartitionLog[],
  nodeId: number,
): MetadataRecord[] {
  const topicId = (partitions[0] as PartitionLog).topicId;
  const count = Math.max(...partitions.map(({ partition }) => partition)) + 1;
  const leaderEpoch = Math.max(0, ...partitions.map((log) => log.leaderEpochs.latestEpoch));
  const records: MetadataRecord[] = [{ kind: 'Topic', name, topicId }];
  for (let partition = 0; partition < count; partition++) {
    const record = newPartition(image, topicId, partition, [nodeId]);
    const log = partitions.find((each) => each.partition === partition);
    // The epoch goes on from the one on disk: no record may carry a later epoch than its leader.
    if (record.kind !== 'Partition') continue;
    // Eligible, not in sync: this broker is still fenced, and leads it from the moment at which it serves.
    const directories = log === undefined ? record.directories : [log.logFolder.directoryId];
    records.push({ ...record, directories, isr: [], eligibleLeaderReplicas: [nodeId], leader: -1, leaderEpoch });
  }
  return records;
}
