/**
 * In which log folder of a broker a replica lies. The controller chooses, spread over the folders of each broker, and
 * the broker obeys: so the metadata knows what a folder that fails takes with it (KIP-858).
 */
import type { MetadataImage, PartitionImage } from '../metadata/mod.ts';
import { ZERO_UUID } from '../std/mod.ts';

/** The folder for a replica that is new on the broker. */
export function chooseDirectory(image: MetadataImage, brokerId: number, topicId: string, partition: number): string {
  const directories = image.brokers.get(brokerId)?.directories ?? [];
  return spread(directories, topicId, partition);
}

/** Topics begin at different folders, and their partitions go on from there. */
export function spread(directories: readonly string[], topicId: string, partition: number): string {
  let start = 0;
  for (let at = 0; at < topicId.length; at++) start += topicId.charCodeAt(at);
  return directories[(start + partition) % directories.length] ?? ZERO_UUID;
}

/** Whether the replica's folder is among those that its broker has; one that no folder is known of counts as there. */
export function hasDirectory(image: MetadataImage, partition: PartitionImage, brokerId: number): boolean {
  const directory = directoryOf(partition, brokerId);
  return directory === ZERO_UUID || image.brokers.get(brokerId)?.directories.includes(directory) === true;
}

export function directoryOf(partition: PartitionImage, brokerId: number): string {
  return partition.directories[partition.replicas.indexOf(brokerId)] ?? ZERO_UUID;
}
