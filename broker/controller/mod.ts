/**
 * Decisions about the cluster: pure functions from an image and a request to records and an answer, the shell that puts
 * the records into the log, and what the active controller does unasked. It knows no wire types, no connections and no
 * logs of partitions.
 */
export { type AlteredPartitions, alterPartitions, type InSyncAnswer, type InSyncProposal } from './alter-partition.ts';
export {
  beginShutdown,
  electLeaderless,
  fenceBroker,
  type Registration,
  registerBroker,
  unfenceBroker,
  unregisterBroker,
} from './brokers.ts';
export { ClusterKeeper, type KeeperLimits } from './cluster-keeper.ts';
export { settleClusterMinimum } from './cluster-minimum.ts';
export {
  type AlteredResource,
  alterConfigs,
  type ConfigChange,
  ConfigOperation,
  type ConfigRules,
  type ResourceChange,
} from './configs.ts';
export { Controller, type ControllerOptions } from './controller.ts';
export { type ApiError, apiError, type Decision } from './decision.ts';
export { type ElectionRules, isActive, type TopicRules } from './election-rules.ts';
export { balanceLeaders, type Elected, type ElectionTarget, type ElectionType, electLeaders } from './elections.ts';
export { type FeatureUpdate, updateFeatures } from './features.ts';
export { decideHeartbeat, type Heartbeat, type HeartbeatAnswer } from './heartbeats.ts';
export { refuseDeposedOperator, takeOperatorEpoch } from './operator-epochs.ts';
export { planPartitionChange } from './partition-change.ts';
export { placeReplicas } from './placement.ts';
export { allocateProducerIds, PRODUCER_ID_BLOCK, type ProducerIdBlock } from './producer-ids.ts';
export { type AlteredQuota, alterClientQuotas, type QuotaChange } from './quotas.ts';
export { alterReassignments, type Reassigned, type Reassignment } from './reassignments.ts';
export {
  type AffectedPartition,
  endedStopPermits,
  releaseStopPermit,
  requestStopPermit,
  type StopImpact,
  type StopPermitAnswer,
  type StopPermitRequest,
  stopImpact,
} from './stop-permits.ts';
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
