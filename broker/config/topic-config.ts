/** Effective topic configs: the topic's own value, or that of the broker config it stands for, or the default. */
import type { LogConfig } from '../log/mod.ts';
import type { BrokerConfig, ConfigValue, ConfigValues } from './broker-config.ts';
import { type ConfigDefinition, parseList } from './definition.ts';
import { clientMetricsDefinitions } from './definitions/client-metrics.ts';
import { groupDefinitions } from './definitions/group.ts';
import { topicDefinitions } from './definitions/topic.ts';
import { groupSynonyms, topicSynonyms } from './synonyms.ts';

/** Kafka's word for never; the log says infinity. */
const LONG_MAX = '9223372036854775807';

const byName = (definitions: readonly ConfigDefinition[]): ReadonlyMap<string, ConfigDefinition> =>
  new Map(definitions.map((definition) => [definition.name, definition]));

export const topicDefinitionsByName = byName(topicDefinitions);
export const groupDefinitionsByName = byName(groupDefinitions);
export const clientMetricsDefinitionsByName = byName(clientMetricsDefinitions);

/** Values that stand in for a topic's missing one, best first, converted to the topic config's unit. */
export function inheritedTopicValues(broker: BrokerConfig, name: string): ConfigValue[] {
  const values: ConfigValue[] = [];
  for (const { name: synonym, factor } of topicSynonyms[name] ?? []) {
    for (const value of broker.lookup(synonym)) {
      if (value.name !== synonym) continue;
      values.push({
        ...value,
        value: factor === 1 ? value.value : String(BigInt(value.value ?? '0') * BigInt(factor)),
      });
    }
  }
  const order = ['dynamic-broker', 'dynamic-default', 'static', 'default'];
  return values.sort((a, b) => order.indexOf(a.source) - order.indexOf(b.source));
}

export function inheritedGroupValues(broker: BrokerConfig, name: string): ConfigValue[] {
  return groupSynonyms(name).flatMap(({ name: synonym }) => broker.lookup(synonym));
}

export function effectiveTopicValue(broker: BrokerConfig, overrides: ConfigValues, name: string): string {
  return (
    overrides.get(name) ??
    inheritedTopicValues(broker, name)[0]?.value ??
    topicDefinitionsByName.get(name)?.default ??
    ''
  );
}

/** What is wrong with a whole set of topic configs together, after each was found legal alone. */
export function topicCrossFieldProblem(broker: BrokerConfig, overrides: ConfigValues): string | undefined {
  const number = (name: string): number => Number(effectiveTopicValue(broker, overrides, name));
  const minLag = number('min.compaction.lag.ms');
  const maxLag = number('max.compaction.lag.ms');
  if (minLag > maxLag) {
    return `conflict topic config setting min.compaction.lag.ms (${minLag}) > max.compaction.lag.ms (${maxLag})`;
  }
  const remote = effectiveTopicValue(broker, overrides, 'remote.storage.enable') === 'true';
  if (remote && !broker.boolean('remote.log.storage.system.enable')) {
    return (
      'Tiered Storage functionality is disabled in the broker. ' + 'Topic cannot be configured with remote log storage.'
    );
  }
  return undefined;
}

export function buildLogConfig(broker: BrokerConfig, overrides: ConfigValues): LogConfig {
  const text = (name: string): string => effectiveTopicValue(broker, overrides, name);
  const number = (name: string): number => {
    const value = text(name);
    return value === LONG_MAX ? Number.POSITIVE_INFINITY : Number(value);
  };
  const policies = parseList(text('cleanup.policy'));
  return {
    segmentBytes: number('segment.bytes'),
    segmentMs: number('segment.ms'),
    segmentJitterMs: number('segment.jitter.ms'),
    segmentIndexBytes: number('segment.index.bytes'),
    flushMessages: number('flush.messages'),
    flushMs: number('flush.ms'),
    retentionBytes: number('retention.bytes'),
    retentionMs: number('retention.ms'),
    maxMessageBytes: number('max.message.bytes'),
    indexIntervalBytes: number('index.interval.bytes'),
    deleteRetentionMs: number('delete.retention.ms'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    fileDeleteDelayMs: number('file.delete.delay.ms'),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    cleanupDelete: policies.includes('delete'),
    cleanupCompact: policies.includes('compact'),
    compressionType: text('compression.type') as LogConfig['compressionType'],
    compressionGzipLevel: number('compression.gzip.level'),
    compressionLz4Level: number('compression.lz4.level'),
    compressionZstdLevel: number('compression.zstd.level'),
    messageTimestampType: text('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    messageTimestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    messageTimestampAfterMaxMs: number('message.timestamp.after.max.ms'),
  };
}
