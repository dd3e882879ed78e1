/** What elections ask of topics and brokers, so that decisions stay pure functions of an image and of these rules. */
import type { MetadataImage, TopicImage } from '../metadata/mod.ts';
import { chooseDirectory, hasDirectory } from './directories.ts';
import type { PartitionRules } from './partition-change.ts';

/** What topics' configs say; the config room knows their defaults. */
export interface TopicRules {
  minInSyncReplicas(image: MetadataImage, topic: TopicImage): number;
  allowsUncleanElection(image: MetadataImage, topic: TopicImage): boolean;
}

export interface ElectionRules extends TopicRules {
  /** Brokers that are about to be fenced: nothing may be given to them any more. */
  readonly dying: ReadonlySet<number>;
  /** Log folders, by their ids, that have no room: replicas in them do not come back into in-sync sets. */
  readonly fullDirectories: ReadonlySet<string>;
}

/** Serves, and is not about to go. */
export function isActive(image: MetadataImage, brokerId: number): boolean {
  const broker = image.brokers.get(brokerId);
  return broker !== undefined && !broker.isFenced && !broker.isShuttingDown;
}

/** The rules for the partitions of one topic. */
export function rulesOf(
  image: MetadataImage,
  topic: TopicImage,
  rules: ElectionRules,
  change: {
    readonly election?: 'preferred' | 'unclean';
    /** Counts as alive though the image does not say so yet. */
    readonly arriving?: number;
    /** May not lead though the image does not say so yet. */
    readonly leaving?: number;
  } = {},
): PartitionRules {
  return {
    topicId: topic.id,
    mayLead: (id) => id !== change.leaving && !rules.dying.has(id) && (id === change.arriving || isActive(image, id)),
    minInSyncReplicas: rules.minInSyncReplicas(image, topic),
    election: change.election ?? (rules.allowsUncleanElection(image, topic) ? 'unclean' : 'online'),
    directoryOf: (id, partition) => chooseDirectory(image, id, topic.id, partition),
    hasDirectory: (id, partition) => hasDirectory(image, partition, id),
  };
}
