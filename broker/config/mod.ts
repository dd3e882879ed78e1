/**
 * Configuration: Kafka's names at the edge, values with their sources, and what they mean to the rooms inside. In come
 * properties and dynamic overrides; out come typed values, descriptions, and sentences about what is wrong.
 */
export {
  BrokerConfig,
  brokerDefinitionsByName,
  type ConfigSource,
  type ConfigValue,
  type ConfigValues,
} from './broker-config.ts';
export { configRules, definitionsOf, topicRules } from './config-rules.ts';
export { type ConfigDefinition, type ConfigType, nearestName, parseList, validateValue } from './definition.ts';
export { minInSyncReplicas } from './min-in-sync-replicas.ts';
export { parseOverride, parseProperties } from './properties.ts';
export { topicSynonyms } from './synonyms.ts';
export {
  buildLogConfig,
  effectiveTopicValue,
  inheritedGroupValues,
  inheritedTopicValues,
} from './topic-config.ts';
