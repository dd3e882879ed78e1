/**
 * Decisions about the cluster: pure functions from an image and a request to records and an answer, and the shell that
 * puts the records into the log. It knows no wire types, no connections and no logs of partitions.
 */
export {
  type Elected,
  type Election,
  electLeaders,
  type Registration,
  registerBroker,
  unfenceBroker,
} from './brokers.ts';
export {
  type AlteredResource,
  alterConfigs,
  type ConfigChange,
  ConfigOperation,
  type ConfigRules,
  type ResourceChange,
} from './configs.ts';
export { Controller } from './controller.ts';
export { type ApiError, apiError, type Decision } from './decision.ts';
export { placeReplicas } from './placement.ts';
export { allocateProducerIds, PRODUCER_ID_BLOCK, type ProducerIdBlock } from './producer-ids.ts';
export { type AlteredQuota, alterClientQuotas, type QuotaChange } from './quotas.ts';
export {
  type CreatedTopic,
  createPartitions,
  createTopics,
  type DeletedTopic,
  deleteTopics,
  type NewTopic,
  newPartition,
  type PartitionGrowth,
  type TopicDefaults,
  type TopicSelector,
  topicNameProblem,
} from './topics.ts';
