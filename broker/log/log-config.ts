/**
 * What a topic's configuration means to its log, typed and with Kafka's defaults. Text, synonyms and ranges were dealt
 * with where the configuration entered. `Number.POSITIVE_INFINITY` stands for Long.MAX, -1 for "no limit".
 */
export interface LogConfig {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly segmentIndexBytes: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  readonly maxMessageBytes: number;
  readonly indexIntervalBytes: number;
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly fileDeleteDelayMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly cleanupDelete: boolean;
  readonly cleanupCompact: boolean;
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  readonly compressionGzipLevel: number;
  readonly compressionLz4Level: number;
  readonly compressionZstdLevel: number;
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampAfterMaxMs: number;
}

export const DEFAULT_LOG_CONFIG: LogConfig = {
  segmentBytes: 1_073_741_824,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10_485_760,
  flushMessages: Number.POSITIVE_INFINITY,
  flushMs: Number.POSITIVE_INFINITY,
  retentionBytes: -1,
  retentionMs: 604_800_000,
  maxMessageBytes: 1_048_588,
  indexIntervalBytes: 4096,
  deleteRetentionMs: 86_400_000,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.POSITIVE_INFINITY,
  fileDeleteDelayMs: 60_000,
  minCleanableDirtyRatio: 0.5,
  cleanupDelete: true,
  cleanupCompact: false,
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: Number.POSITIVE_INFINITY,
  messageTimestampAfterMaxMs: 3_600_000,
};

/** What holds for the whole broker rather than for a topic. */
export interface LogManagerConfig {
  /** Bytes of recent batches that all partitions together keep in memory. */
  readonly cacheBytes: number;
  readonly retentionCheckIntervalMs: number;
  readonly recoveryPointCheckpointIntervalMs: number;
  readonly logStartCheckpointIntervalMs: number;
  readonly highWatermarkCheckpointIntervalMs: number;
  readonly flushSchedulerIntervalMs: number;
  readonly producerIdExpirationMs: number;
  readonly cleanerEnabled: boolean;
  readonly cleanerBackoffMs: number;
  /** Memory for the offset map of one cleaning, at 24 bytes a key. */
  readonly cleanerDedupeBufferBytes: number;
}

export const DEFAULT_LOG_MANAGER_CONFIG: LogManagerConfig = {
  cacheBytes: 96 * 1024 * 1024,
  retentionCheckIntervalMs: 300_000,
  recoveryPointCheckpointIntervalMs: 60_000,
  logStartCheckpointIntervalMs: 60_000,
  highWatermarkCheckpointIntervalMs: 5_000,
  flushSchedulerIntervalMs: 1_000,
  producerIdExpirationMs: 86_400_000,
  cleanerEnabled: true,
  cleanerBackoffMs: 15_000,
  cleanerDedupeBufferBytes: 134_217_728,
};
