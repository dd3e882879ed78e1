/** What the broker's configuration says about groups and offsets. */
export interface GroupConfig {
  readonly sessionTimeoutMsMin: number;
  readonly sessionTimeoutMsMax: number;
  readonly initialRebalanceDelayMs: number;
  readonly membersMax: number;
  readonly offsetsPartitions: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsRetentionCheckMs: number;
  readonly offsetMetadataBytesMax: number;
  readonly commitTimeoutMs: number;
}

/** The source of the values; the config room's BrokerConfig is one. */
export interface NumberConfig {
  number(name: string): number;
}

const MINUTE_MS = 60_000;

export function groupConfigOf(config: NumberConfig): GroupConfig {
  return {
    sessionTimeoutMsMin: config.number('group.min.session.timeout.ms'),
    sessionTimeoutMsMax: config.number('group.max.session.timeout.ms'),
    initialRebalanceDelayMs: config.number('group.initial.rebalance.delay.ms'),
    membersMax: config.number('group.max.size'),
    offsetsPartitions: config.number('offsets.topic.num.partitions'),
    offsetsRetentionMs: config.number('offsets.retention.minutes') * MINUTE_MS,
    offsetsRetentionCheckMs: config.number('offsets.retention.check.interval.ms'),
    offsetMetadataBytesMax: config.number('offset.metadata.max.bytes'),
    commitTimeoutMs: config.number('offsets.commit.timeout.ms'),
  };
}
