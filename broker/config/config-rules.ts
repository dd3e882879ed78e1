/** What the controller asks about values before it writes them: are they legal, is this a list, what is its default. */
import type { ConfigRules, TopicRules } from '../controller/mod.ts';
import { ConfigResource, configsOf } from '../metadata/mod.ts';
import { type BrokerConfig, brokerDefinitionsByName } from './broker-config.ts';
import { type ConfigDefinition, parseList, validateValue } from './definition.ts';
import { minInSyncReplicas } from './min-in-sync-replicas.ts';
import {
  clientMetricsDefinitionsByName,
  effectiveTopicValue,
  groupDefinitionsByName,
  topicCrossFieldProblem,
  topicDefinitionsByName,
} from './topic-config.ts';

const NO_OVERRIDES: ReadonlyMap<string, string> = new Map();

export function definitionsOf(resourceType: number): ReadonlyMap<string, ConfigDefinition> | undefined {
  switch (resourceType) {
    case ConfigResource.topic:
      return topicDefinitionsByName;
    case ConfigResource.broker:
      return brokerDefinitionsByName;
    case ConfigResource.group:
      return groupDefinitionsByName;
    case ConfigResource.clientMetrics:
      return clientMetricsDefinitionsByName;
    default:
      return undefined;
  }
}

/** Bounds that a broker sets for the group configs of its groups. */
const GROUP_BOUNDS: readonly { readonly name: string; readonly min: string; readonly max: string }[] = [
  {
    name: 'consumer.session.timeout.ms',
    min: 'group.consumer.min.session.timeout.ms',
    max: 'group.consumer.max.session.timeout.ms',
  },
  {
    name: 'consumer.heartbeat.interval.ms',
    min: 'group.consumer.min.heartbeat.interval.ms',
    max: 'group.consumer.max.heartbeat.interval.ms',
  },
];

export function configRules(broker: BrokerConfig): ConfigRules {
  return {
    problemOf(resourceType, resourceName, overrides) {
      const definitions = definitionsOf(resourceType);
      for (const [name, value] of overrides) {
        const definition = definitions?.get(name);
        if (definition === undefined) return unknownName(resourceType, name);
        const problem = validateValue(definition, value) ?? dynamicProblem(resourceType, resourceName, definition);
        if (problem !== undefined) return problem;
      }
      if (resourceType === ConfigResource.topic) return topicCrossFieldProblem(broker, overrides);
      if (resourceType === ConfigResource.group) return groupBoundsProblem(broker, overrides);
      return undefined;
    },
    isList(resourceType, name) {
      return definitionsOf(resourceType)?.get(name)?.type === 'list';
    },
    defaultList(resourceType, name) {
      if (resourceType === ConfigResource.topic) return parseList(effectiveTopicValue(broker, NO_OVERRIDES, name));
      return parseList(definitionsOf(resourceType)?.get(name)?.default ?? '');
    },
  };
}

/** What elections ask of topics' configs. */
export function topicRules(broker: BrokerConfig): TopicRules {
  return {
    minInSyncReplicas: (image, { name }) => minInSyncReplicas(broker, image, name),
    allowsUncleanElection: (image, { name }) =>
      effectiveTopicValue(broker, configsOf(image, ConfigResource.topic, name), 'unclean.leader.election.enable') ===
      'true',
  };
}

function unknownName(resourceType: number, name: string): string | undefined {
  switch (resourceType) {
    case ConfigResource.topic:
      return `Unknown topic config name: ${name}`;
    case ConfigResource.group:
      return `Unknown group config name: ${name}`;
    case ConfigResource.clientMetrics:
      return `Unknown client metrics configuration: ${name}`;
    default:
      // Kafka keeps broker configs that it does not know: a plug-in may.
      return undefined;
  }
}

function dynamicProblem(resourceType: number, resourceName: string, definition: ConfigDefinition): string | undefined {
  if (resourceType !== ConfigResource.broker) return undefined;
  if (definition.update === 'read-only') {
    return `Cannot update these configs dynamically: Set(${definition.name})`;
  }
  if (resourceName === '' && definition.update === 'per-broker') {
    return `Cannot update these configs at default cluster level, broker id must be specified: Set(${definition.name})`;
  }
  return undefined;
}

function groupBoundsProblem(broker: BrokerConfig, overrides: ReadonlyMap<string, string>): string | undefined {
  for (const { name, min, max } of GROUP_BOUNDS) {
    const value = overrides.get(name);
    if (value === undefined) continue;
    if (Number(value) < broker.number(min)) return `${name} must be greater than or equal to ${min}`;
    if (Number(value) > broker.number(max)) return `${name} must be less than or equal to ${max}`;
  }
  return undefined;
}
