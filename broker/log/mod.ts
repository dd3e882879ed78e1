/**
 * Partitions on disk, in Kafka's own files.
 *
 * In: batches from clients, coordinators and leaders; reads by offset or time; the high watermark; topic configuration.
 * Out: append results, batches, offsets, aborted transactions, leader epoch ends, sizes. It refuses to know replicas,
 * the in-sync set, groups, quotas, and what a record means beyond what compaction and idempotence need. Only
 * replication appends here: whoever went past it would bypass the in-sync set.
 */
export type { LeaderAppendOptions } from './admission.ts';
export type { RecordError } from './batch-validator.ts';
export type { EpochEntry } from './checkpoints.ts';
export { identifyFolders } from './folder-identity.ts';
export type { EpochEndOffset } from './leader-epochs.ts';
export {
  DEFAULT_LOG_CONFIG,
  DEFAULT_LOG_MANAGER_CONFIG,
  type LogConfig,
  type LogManagerConfig,
} from './log-config.ts';
export type { LogFolder } from './log-folder.ts';
export { type LogFolderDescription, LogManager, type LogManagerOptions } from './log-manager.ts';
export type { AppendResult, PartitionLog } from './partition-log.ts';
export type { ProducerEntry, ProducerStates } from './producer-state.ts';
export type { ReadOptions, ReadResult } from './read-result.ts';
export { findMaxTimestamp, findOffsetForTimestamp, type TimestampLookup } from './timestamp-lookup.ts';
export type { AbortedTransaction } from './transaction-index.ts';
