/** One config as DescribeConfigs and CreateTopics show it: value, source, and what stands behind it. */
import {
  type BrokerConfig,
  brokerDefinitionsByName,
  type ConfigDefinition,
  type ConfigSource,
  type ConfigType,
  type ConfigValue,
  type ConfigValues,
  definitionsOf,
  inheritedGroupValues,
  inheritedTopicValues,
  topicSynonyms,
} from '../config/mod.ts';
import { ConfigResource } from '../metadata/mod.ts';

/** Kafka's numbers for where a value comes from. */
const Source = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefault: 3,
  static: 4,
  default: 5,
  clientMetrics: 7,
  group: 8,
} as const;

const SOURCE_NUMBERS: Readonly<Record<ConfigSource, number>> = {
  'dynamic-broker': Source.dynamicBroker,
  'dynamic-default': Source.dynamicDefault,
  static: Source.static,
  default: Source.default,
};

const TYPE_NUMBERS: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
};

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly isSensitive: boolean;
  readonly source: number;
  readonly type: number;
  readonly documentation: string;
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: number }[];
}

function entry(
  definition: ConfigDefinition,
  own: { readonly value: string; readonly source: number } | undefined,
  inherited: readonly ConfigValue[],
  options: { readonly readOnly: boolean; readonly ownName: string; readonly firstSynonym: string },
): ConfigEntry {
  const isSensitive = definition.type === 'password';
  const show = (value: string | null): string | null => (isSensitive ? null : value);
  // Of the configs that stand in for one another, Kafka shows the default of the first only, though a later one's
  // default may be what counts.
  const synonyms = [
    ...(own === undefined ? [] : [{ name: options.ownName, value: show(own.value), source: own.source }]),
    ...inherited
      .filter(({ name, source }) => source !== 'default' || name === options.firstSynonym)
      .map(({ name, value, source }) => ({ name, value: show(value), source: SOURCE_NUMBERS[source] })),
  ];
  const first = synonyms[0];
  return {
    name: definition.name,
    value: show(own?.value ?? inherited[0]?.value ?? definition.default ?? null),
    readOnly: options.readOnly,
    isSensitive,
    source: first?.source ?? Source.default,
    type: TYPE_NUMBERS[definition.type],
    documentation: definition.doc,
    synonyms,
  };
}

export function describeTopicConfigs(broker: BrokerConfig, overrides: ConfigValues): ConfigEntry[] {
  return describeAll(ConfigResource.topic, overrides, Source.topic, (name) => inheritedTopicValues(broker, name));
}

export function describeGroupConfigs(broker: BrokerConfig, overrides: ConfigValues): ConfigEntry[] {
  return describeAll(ConfigResource.group, overrides, Source.group, (name, fallback) => {
    const values = inheritedGroupValues(broker, name);
    return values.length > 0 || fallback === null ? values : [{ name, value: fallback, source: 'default' }];
  });
}

export function describeClientMetricsConfigs(overrides: ConfigValues): ConfigEntry[] {
  return describeAll(ConfigResource.clientMetrics, overrides, Source.clientMetrics, () => []);
}

function firstSynonym(resourceType: number, name: string): string {
  if (resourceType === ConfigResource.topic) return topicSynonyms[name]?.[0]?.name ?? name;
  return resourceType === ConfigResource.group ? `group.${name}` : name;
}

function describeAll(
  resourceType: number,
  overrides: ConfigValues,
  source: number,
  inherited: (name: string, fallback: string | null) => ConfigValue[],
): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  for (const definition of definitionsOf(resourceType)?.values() ?? []) {
    if (definition.internal === true) continue;
    const value = overrides.get(definition.name);
    const behind = inherited(definition.name, definition.default ?? null);
    entries.push(
      entry(definition, value === undefined ? undefined : { value, source }, behind, {
        readOnly: false,
        ownName: definition.name,
        firstSynonym:
          behind[0]?.name === definition.name ? definition.name : firstSynonym(resourceType, definition.name),
      }),
    );
  }
  return entries;
}

/**
 * Every public broker config; `values` limits the sources to the dynamic ones when the cluster default is asked for.
 */
export function describeBrokerConfigs(broker: BrokerConfig): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  for (const definition of brokerDefinitionsByName.values()) {
    if (definition.internal === true) continue;
    const readOnly = definition.update === 'read-only';
    const { name } = definition;
    const shown = broker.lookup(name).filter((value) => value.source !== 'default' || value.name === name);
    entries.push(entry(definition, undefined, shown, { readOnly, ownName: name, firstSynonym: name }));
  }
  return entries;
}

/** The cluster-wide dynamic default (broker resource with an empty name): only what was set. */
export function describeClusterDefaults(overrides: ConfigValues): ConfigEntry[] {
  return [...overrides].map(([name, value]) => {
    const definition = brokerDefinitionsByName.get(name) ?? {
      name,
      type: 'string',
      default: null,
      valid: '',
      importance: '',
      update: 'cluster-wide',
      doc: '',
    };
    return entry(definition, { value, source: Source.dynamicDefault }, [], {
      readOnly: false,
      ownName: name,
      firstSynonym: name,
    });
  });
}
