/**
 * The metadata log: its records, the immutable image they add up to, and the loader that follows the log. It decides
 * nothing: records come from the controller, and rooms act on images by themselves.
 */
export { type Change, ChangeFeed } from './change-feed.ts';
export { type HistoryRelation, type MetadataPosition, positionOf, relateToHistory } from './history.ts';
export {
  type BrokerImage,
  ConfigResource,
  configKey,
  configsOf,
  EMPTY_IMAGE,
  type EndpointImage,
  type FeatureRange,
  ImageBuilder,
  type MetadataDelta,
  type MetadataImage,
  NO_LEADER_CHANGE,
  type PartitionImage,
  type QuotaImage,
  quotaKey,
  type StopPermitImage,
  type TermImage,
  type TopicImage,
} from './image.ts';
export { type MetadataListener, MetadataLoader } from './loader.ts';
export { type KnownMetadata, LocalCopy } from './local-copy.ts';
export { METADATA_VERSION } from './metadata-version.ts';
export { neededInSync } from './min-in-sync.ts';
export {
  decodeBatch,
  encodeBatch,
  type MetadataBatch,
  type MetadataRecord,
  type RecordKind,
  type RecordOf,
  recordBytes,
} from './records.ts';
export { restoreMetadata } from './restore.ts';
export { decodeSnapshot, encodeSnapshot, imageToRecords } from './snapshot.ts';
