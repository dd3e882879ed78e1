/**
 * Which broker configs a topic or group config takes its value from when it has none of its own, best first, and the
 * factor to the topic config's unit.
 */
export interface Synonym {
  readonly name: string;
  readonly factor: number;
}

const HOURS = 3_600_000;
const MINUTES = 60_000;
const one = (...names: string[]): readonly Synonym[] => names.map((name) => ({ name, factor: 1 }));

export const topicSynonyms: Readonly<Record<string, readonly Synonym[]>> = {
  'segment.bytes': one('log.segment.bytes'),
  'segment.ms': [
    { name: 'log.roll.ms', factor: 1 },
    { name: 'log.roll.hours', factor: HOURS },
  ],
  'segment.jitter.ms': [
    { name: 'log.roll.jitter.ms', factor: 1 },
    { name: 'log.roll.jitter.hours', factor: HOURS },
  ],
  'segment.index.bytes': one('log.index.size.max.bytes'),
  'flush.messages': one('log.flush.interval.messages'),
  'flush.ms': one('log.flush.interval.ms', 'log.flush.scheduler.interval.ms'),
  'retention.bytes': one('log.retention.bytes'),
  'retention.ms': [
    { name: 'log.retention.ms', factor: 1 },
    { name: 'log.retention.minutes', factor: MINUTES },
    { name: 'log.retention.hours', factor: HOURS },
  ],
  'max.message.bytes': one('message.max.bytes'),
  'index.interval.bytes': one('log.index.interval.bytes'),
  'delete.retention.ms': one('log.cleaner.delete.retention.ms'),
  'min.compaction.lag.ms': one('log.cleaner.min.compaction.lag.ms'),
  'max.compaction.lag.ms': one('log.cleaner.max.compaction.lag.ms'),
  'file.delete.delay.ms': one('log.segment.delete.delay.ms'),
  'min.cleanable.dirty.ratio': one('log.cleaner.min.cleanable.ratio'),
  'cleanup.policy': one('log.cleanup.policy'),
  'unclean.leader.election.enable': one('unclean.leader.election.enable'),
  'min.insync.replicas': one('min.insync.replicas'),
  'compression.type': one('compression.type'),
  'compression.gzip.level': one('compression.gzip.level'),
  'compression.lz4.level': one('compression.lz4.level'),
  'compression.zstd.level': one('compression.zstd.level'),
  preallocate: one('log.preallocate'),
  'message.timestamp.type': one('log.message.timestamp.type'),
  'message.timestamp.before.max.ms': one('log.message.timestamp.before.max.ms'),
  'message.timestamp.after.max.ms': one('log.message.timestamp.after.max.ms'),
  'local.retention.ms': one('log.local.retention.ms'),
  'local.retention.bytes': one('log.local.retention.bytes'),
  'remote.copy.lag.ms': one('log.remote.copy.lag.ms'),
  'remote.copy.lag.bytes': one('log.remote.copy.lag.bytes'),
};

/** Group configs are named after the broker configs they override: `consumer.x` is `group.consumer.x`. */
export function groupSynonyms(name: string): readonly Synonym[] {
  return /^(consumer|share|streams)\./.test(name) ? one(`group.${name}`) : [];
}

/** Broker configs that stand in for one another, best first. */
export const brokerSynonyms: Readonly<Record<string, readonly string[]>> = {
  'log.retention.ms': ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  'log.roll.ms': ['log.roll.ms', 'log.roll.hours'],
  'log.roll.jitter.ms': ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  'log.flush.interval.ms': ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
  'log.dirs': ['log.dirs', 'log.dir'],
};
