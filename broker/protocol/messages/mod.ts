/**
 * The messages: what every request, response, header and internal record looks like, in all versions.
 *
 * In: nothing. Out: the schemas, as data, in a fixed order: APIs by key, data messages by name. This room refuses to
 * know how a message is encoded, and what a broker does with it.
 */

import type { Api, DataMessage } from '../schema.ts';
import produce from './00-produce.ts';
import fetch from './01-fetch.ts';
import listOffsets from './02-list-offsets.ts';
import metadata from './03-metadata.ts';
import offsetCommit from './08-offset-commit.ts';
import offsetFetch from './09-offset-fetch.ts';
import findCoordinator from './10-find-coordinator.ts';
import joinGroup from './11-join-group.ts';
import heartbeat from './12-heartbeat.ts';
import leaveGroup from './13-leave-group.ts';
import syncGroup from './14-sync-group.ts';
import describeGroups from './15-describe-groups.ts';
import listGroups from './16-list-groups.ts';
import saslHandshake from './17-sasl-handshake.ts';
import apiVersions from './18-api-versions.ts';
import createTopics from './19-create-topics.ts';
import deleteTopics from './20-delete-topics.ts';
import deleteRecords from './21-delete-records.ts';
import initProducerId from './22-init-producer-id.ts';
import offsetForLeaderEpoch from './23-offset-for-leader-epoch.ts';
import addPartitionsToTxn from './24-add-partitions-to-txn.ts';
import addOffsetsToTxn from './25-add-offsets-to-txn.ts';
import endTxn from './26-end-txn.ts';
import writeTxnMarkers from './27-write-txn-markers.ts';
import txnOffsetCommit from './28-txn-offset-commit.ts';
import describeAcls from './29-describe-acls.ts';
import createAcls from './30-create-acls.ts';
import deleteAcls from './31-delete-acls.ts';
import describeConfigs from './32-describe-configs.ts';
import alterConfigs from './33-alter-configs.ts';
import alterReplicaLogDirs from './34-alter-replica-log-dirs.ts';
import describeLogDirs from './35-describe-log-dirs.ts';
import saslAuthenticate from './36-sasl-authenticate.ts';
import createPartitions from './37-create-partitions.ts';
import createDelegationToken from './38-create-delegation-token.ts';
import renewDelegationToken from './39-renew-delegation-token.ts';
import expireDelegationToken from './40-expire-delegation-token.ts';
import describeDelegationToken from './41-describe-delegation-token.ts';
import deleteGroups from './42-delete-groups.ts';
import electLeaders from './43-elect-leaders.ts';
import incrementalAlterConfigs from './44-incremental-alter-configs.ts';
import alterPartitionReassignments from './45-alter-partition-reassignments.ts';
import listPartitionReassignments from './46-list-partition-reassignments.ts';
import offsetDelete from './47-offset-delete.ts';
import describeClientQuotas from './48-describe-client-quotas.ts';
import alterClientQuotas from './49-alter-client-quotas.ts';
import describeUserScramCredentials from './50-describe-user-scram-credentials.ts';
import alterUserScramCredentials from './51-alter-user-scram-credentials.ts';
import vote from './52-vote.ts';
import beginQuorumEpoch from './53-begin-quorum-epoch.ts';
import endQuorumEpoch from './54-end-quorum-epoch.ts';
import describeQuorum from './55-describe-quorum.ts';
import alterPartition from './56-alter-partition.ts';
import updateFeatures from './57-update-features.ts';
import envelope from './58-envelope.ts';
import fetchSnapshot from './59-fetch-snapshot.ts';
import describeCluster from './60-describe-cluster.ts';
import describeProducers from './61-describe-producers.ts';
import brokerRegistration from './62-broker-registration.ts';
import brokerHeartbeat from './63-broker-heartbeat.ts';
import unregisterBroker from './64-unregister-broker.ts';
import describeTransactions from './65-describe-transactions.ts';
import listTransactions from './66-list-transactions.ts';
import allocateProducerIds from './67-allocate-producer-ids.ts';
import consumerGroupHeartbeat from './68-consumer-group-heartbeat.ts';
import consumerGroupDescribe from './69-consumer-group-describe.ts';
import controllerRegistration from './70-controller-registration.ts';
import getTelemetrySubscriptions from './71-get-telemetry-subscriptions.ts';
import pushTelemetry from './72-push-telemetry.ts';
import assignReplicasToDirs from './73-assign-replicas-to-dirs.ts';
import listConfigResources from './74-list-config-resources.ts';
import describeTopicPartitions from './75-describe-topic-partitions.ts';
import shareGroupHeartbeat from './76-share-group-heartbeat.ts';
import shareGroupDescribe from './77-share-group-describe.ts';
import shareFetch from './78-share-fetch.ts';
import shareAcknowledge from './79-share-acknowledge.ts';
import addRaftVoter from './80-add-raft-voter.ts';
import removeRaftVoter from './81-remove-raft-voter.ts';
import updateRaftVoter from './82-update-raft-voter.ts';
import initializeShareGroupState from './83-initialize-share-group-state.ts';
import readShareGroupState from './84-read-share-group-state.ts';
import writeShareGroupState from './85-write-share-group-state.ts';
import deleteShareGroupState from './86-delete-share-group-state.ts';
import readShareGroupStateSummary from './87-read-share-group-state-summary.ts';
import streamsGroupHeartbeat from './88-streams-group-heartbeat.ts';
import streamsGroupDescribe from './89-streams-group-describe.ts';
import describeShareGroupOffsets from './90-describe-share-group-offsets.ts';
import alterShareGroupOffsets from './91-alter-share-group-offsets.ts';
import deleteShareGroupOffsets from './92-delete-share-group-offsets.ts';
import streamsGroupTopologyDescriptionUpdate from './93-streams-group-topology-description-update.ts';
import unregisterController from './94-unregister-controller.ts';
import stopPermit from './20000-stop-permit.ts';
import stopImpact from './20001-stop-impact.ts';
import operatorEpoch from './20002-operator-epoch.ts';
import watchChanges from './20003-watch-changes.ts';
import metadataPosition from './20004-metadata-position.ts';
import controlHandshake from './20005-control-handshake.ts';
import abortTransactionRecord from './data/abort-transaction-record.ts';
import abortedTxn from './data/aborted-txn.ts';
import accessControlEntryRecord from './data/access-control-entry-record.ts';
import beginTransactionRecord from './data/begin-transaction-record.ts';
import brokerRegistrationChangeRecord from './data/broker-registration-change-record.ts';
import changeOriginRecord from './data/change-origin-record.ts';
import clearElrRecord from './data/clear-elr-record.ts';
import clientQuotaRecord from './data/client-quota-record.ts';
import clusterRecord from './data/cluster-record.ts';
import configRecord from './data/config-record.ts';
import consumerGroupCurrentMemberAssignmentKey from './data/consumer-group-current-member-assignment-key.ts';
import consumerGroupCurrentMemberAssignmentValue from './data/consumer-group-current-member-assignment-value.ts';
import consumerGroupMemberMetadataKey from './data/consumer-group-member-metadata-key.ts';
import consumerGroupMemberMetadataValue from './data/consumer-group-member-metadata-value.ts';
import consumerGroupMetadataKey from './data/consumer-group-metadata-key.ts';
import consumerGroupMetadataValue from './data/consumer-group-metadata-value.ts';
import consumerGroupPartitionMetadataKey from './data/consumer-group-partition-metadata-key.ts';
import consumerGroupPartitionMetadataValue from './data/consumer-group-partition-metadata-value.ts';
import consumerGroupRegularExpressionKey from './data/consumer-group-regular-expression-key.ts';
import consumerGroupRegularExpressionValue from './data/consumer-group-regular-expression-value.ts';
import consumerGroupTargetAssignmentMemberKey from './data/consumer-group-target-assignment-member-key.ts';
import consumerGroupTargetAssignmentMemberValue from './data/consumer-group-target-assignment-member-value.ts';
import consumerGroupTargetAssignmentMetadataKey from './data/consumer-group-target-assignment-metadata-key.ts';
import consumerGroupTargetAssignmentMetadataValue from './data/consumer-group-target-assignment-metadata-value.ts';
import consumerProtocolAssignment from './data/consumer-protocol-assignment.ts';
import consumerProtocolSubscription from './data/consumer-protocol-subscription.ts';
import controlRecordTypeSchema from './data/control-record-type-schema.ts';
import defaultPrincipalData from './data/default-principal-data.ts';
import delegationTokenRecord from './data/delegation-token-record.ts';
import endTransactionRecord from './data/end-transaction-record.ts';
import endTxnMarker from './data/end-txn-marker.ts';
import featureLevelRecord from './data/feature-level-record.ts';
import fenceBrokerRecord from './data/fence-broker-record.ts';
import givenUpRecord from './data/given-up-record.ts';
import groupMetadataKey from './data/group-metadata-key.ts';
import groupMetadataValue from './data/group-metadata-value.ts';
import historyRecord from './data/history-record.ts';
import kraftVersionRecord from './data/kraft-version-record.ts';
import leaderChangeMessage from './data/leader-change-message.ts';
import legacyOffsetCommitKey from './data/legacy-offset-commit-key.ts';
import legacyOffsetCommitValue from './data/legacy-offset-commit-value.ts';
import noOpRecord from './data/no-op-record.ts';
import offsetCommitKey from './data/offset-commit-key.ts';
import offsetCommitValue from './data/offset-commit-value.ts';
import operatorEpochRecord from './data/operator-epoch-record.ts';
import partitionChangeRecord from './data/partition-change-record.ts';
import partitionRecord from './data/partition-record.ts';
import producerIdsRecord from './data/producer-ids-record.ts';
import producerSnapshot from './data/producer-snapshot.ts';
import quorumStateData from './data/quorum-state-data.ts';
import registerBrokerRecord from './data/register-broker-record.ts';
import registerControllerRecord from './data/register-controller-record.ts';
import remoteLogSegmentMetadataRecord from './data/remote-log-segment-metadata-record.ts';
import remoteLogSegmentMetadataSnapshotRecord from './data/remote-log-segment-metadata-snapshot-record.ts';
import remoteLogSegmentMetadataUpdateRecord from './data/remote-log-segment-metadata-update-record.ts';
import remotePartitionDeleteMetadataRecord from './data/remote-partition-delete-metadata-record.ts';
import removeAccessControlEntryRecord from './data/remove-access-control-entry-record.ts';
import removeDelegationTokenRecord from './data/remove-delegation-token-record.ts';
import removeTopicRecord from './data/remove-topic-record.ts';
import removeUserScramCredentialRecord from './data/remove-user-scram-credential-record.ts';
import requestHeader from './data/request-header.ts';
import responseHeader from './data/response-header.ts';
import shareGroupCurrentMemberAssignmentKey from './data/share-group-current-member-assignment-key.ts';
import shareGroupCurrentMemberAssignmentValue from './data/share-group-current-member-assignment-value.ts';
import shareGroupMemberMetadataKey from './data/share-group-member-metadata-key.ts';
import shareGroupMemberMetadataValue from './data/share-group-member-metadata-value.ts';
import shareGroupMetadataKey from './data/share-group-metadata-key.ts';
import shareGroupMetadataValue from './data/share-group-metadata-value.ts';
import shareGroupStatePartitionMetadataKey from './data/share-group-state-partition-metadata-key.ts';
import shareGroupStatePartitionMetadataValue from './data/share-group-state-partition-metadata-value.ts';
import shareGroupTargetAssignmentMemberKey from './data/share-group-target-assignment-member-key.ts';
import shareGroupTargetAssignmentMemberValue from './data/share-group-target-assignment-member-value.ts';
import shareGroupTargetAssignmentMetadataKey from './data/share-group-target-assignment-metadata-key.ts';
import shareGroupTargetAssignmentMetadataValue from './data/share-group-target-assignment-metadata-value.ts';
import shareSnapshotKey from './data/share-snapshot-key.ts';
import shareSnapshotValue from './data/share-snapshot-value.ts';
import shareUpdateKey from './data/share-update-key.ts';
import shareUpdateValue from './data/share-update-value.ts';
import snapshotFooterRecord from './data/snapshot-footer-record.ts';
import snapshotHeaderRecord from './data/snapshot-header-record.ts';
import stopPermitRecord from './data/stop-permit-record.ts';
import streamsGroupCurrentMemberAssignmentKey from './data/streams-group-current-member-assignment-key.ts';
import streamsGroupCurrentMemberAssignmentValue from './data/streams-group-current-member-assignment-value.ts';
import streamsGroupMemberMetadataKey from './data/streams-group-member-metadata-key.ts';
import streamsGroupMemberMetadataValue from './data/streams-group-member-metadata-value.ts';
import streamsGroupMetadataKey from './data/streams-group-metadata-key.ts';
import streamsGroupMetadataValue from './data/streams-group-metadata-value.ts';
import streamsGroupTargetAssignmentMemberKey from './data/streams-group-target-assignment-member-key.ts';
import streamsGroupTargetAssignmentMemberValue from './data/streams-group-target-assignment-member-value.ts';
import streamsGroupTargetAssignmentMetadataKey from './data/streams-group-target-assignment-metadata-key.ts';
import streamsGroupTargetAssignmentMetadataValue from './data/streams-group-target-assignment-metadata-value.ts';
import streamsGroupTopologyKey from './data/streams-group-topology-key.ts';
import streamsGroupTopologyValue from './data/streams-group-topology-value.ts';
import topicRecord from './data/topic-record.ts';
import transactionLogKey from './data/transaction-log-key.ts';
import transactionLogValue from './data/transaction-log-value.ts';
import unfenceBrokerRecord from './data/unfence-broker-record.ts';
import unregisterBrokerRecord from './data/unregister-broker-record.ts';
import unregisterControllerRecord from './data/unregister-controller-record.ts';
import userScramCredentialRecord from './data/user-scram-credential-record.ts';
import votersRecord from './data/voters-record.ts';
import zkMigrationStateRecord from './data/zk-migration-state-record.ts';

export const apis: readonly Api[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  saslHandshake,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  writeTxnMarkers,
  txnOffsetCommit,
  describeAcls,
  createAcls,
  deleteAcls,
  describeConfigs,
  alterConfigs,
  alterReplicaLogDirs,
  describeLogDirs,
  saslAuthenticate,
  createPartitions,
  createDelegationToken,
  renewDelegationToken,
  expireDelegationToken,
  describeDelegationToken,
  deleteGroups,
  electLeaders,
  incrementalAlterConfigs,
  alterPartitionReassignments,
  listPartitionReassignments,
  offsetDelete,
  describeClientQuotas,
  alterClientQuotas,
  describeUserScramCredentials,
  alterUserScramCredentials,
  vote,
  beginQuorumEpoch,
  endQuorumEpoch,
  describeQuorum,
  alterPartition,
  updateFeatures,
  envelope,
  fetchSnapshot,
  describeCluster,
  describeProducers,
  brokerRegistration,
  brokerHeartbeat,
  unregisterBroker,
  describeTransactions,
  listTransactions,
  allocateProducerIds,
  consumerGroupHeartbeat,
  consumerGroupDescribe,
  controllerRegistration,
  getTelemetrySubscriptions,
  pushTelemetry,
  assignReplicasToDirs,
  listConfigResources,
  describeTopicPartitions,
  shareGroupHeartbeat,
  shareGroupDescribe,
  shareFetch,
  shareAcknowledge,
  addRaftVoter,
  removeRaftVoter,
  updateRaftVoter,
  initializeShareGroupState,
  readShareGroupState,
  writeShareGroupState,
  deleteShareGroupState,
  readShareGroupStateSummary,
  streamsGroupHeartbeat,
  streamsGroupDescribe,
  describeShareGroupOffsets,
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
  streamsGroupTopologyDescriptionUpdate,
  unregisterController,
  stopPermit,
  stopImpact,
  operatorEpoch,
  watchChanges,
  metadataPosition,
  controlHandshake,
];

export const dataMessages: readonly DataMessage[] = [
  abortedTxn,
  abortTransactionRecord,
  accessControlEntryRecord,
  beginTransactionRecord,
  brokerRegistrationChangeRecord,
  changeOriginRecord,
  clearElrRecord,
  clientQuotaRecord,
  clusterRecord,
  configRecord,
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue,
  consumerGroupMemberMetadataKey,
  consumerGroupMemberMetadataValue,
  consumerGroupMetadataKey,
  consumerGroupMetadataValue,
  consumerGroupPartitionMetadataKey,
  consumerGroupPartitionMetadataValue,
  consumerGroupRegularExpressionKey,
  consumerGroupRegularExpressionValue,
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue,
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  controlRecordTypeSchema,
  defaultPrincipalData,
  delegationTokenRecord,
  endTransactionRecord,
  endTxnMarker,
  featureLevelRecord,
  fenceBrokerRecord,
  givenUpRecord,
  groupMetadataKey,
  groupMetadataValue,
  historyRecord,
  kraftVersionRecord,
  leaderChangeMessage,
  legacyOffsetCommitKey,
  legacyOffsetCommitValue,
  noOpRecord,
  offsetCommitKey,
  offsetCommitValue,
  operatorEpochRecord,
  partitionChangeRecord,
  partitionRecord,
  producerIdsRecord,
  producerSnapshot,
  quorumStateData,
  registerBrokerRecord,
  registerControllerRecord,
  remoteLogSegmentMetadataRecord,
  remoteLogSegmentMetadataSnapshotRecord,
  remoteLogSegmentMetadataUpdateRecord,
  remotePartitionDeleteMetadataRecord,
  removeAccessControlEntryRecord,
  removeDelegationTokenRecord,
  removeTopicRecord,
  removeUserScramCredentialRecord,
  requestHeader,
  responseHeader,
  shareGroupCurrentMemberAssignmentKey,
  shareGroupCurrentMemberAssignmentValue,
  shareGroupMemberMetadataKey,
  shareGroupMemberMetadataValue,
  shareGroupMetadataKey,
  shareGroupMetadataValue,
  shareGroupStatePartitionMetadataKey,
  shareGroupStatePartitionMetadataValue,
  shareGroupTargetAssignmentMemberKey,
  shareGroupTargetAssignmentMemberValue,
  shareGroupTargetAssignmentMetadataKey,
  shareGroupTargetAssignmentMetadataValue,
  shareSnapshotKey,
  shareSnapshotValue,
  shareUpdateKey,
  shareUpdateValue,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  stopPermitRecord,
  streamsGroupCurrentMemberAssignmentKey,
  streamsGroupCurrentMemberAssignmentValue,
  streamsGroupMemberMetadataKey,
  streamsGroupMemberMetadataValue,
  streamsGroupMetadataKey,
  streamsGroupMetadataValue,
  streamsGroupTargetAssignmentMemberKey,
  streamsGroupTargetAssignmentMemberValue,
  streamsGroupTargetAssignmentMetadataKey,
  streamsGroupTargetAssignmentMetadataValue,
  streamsGroupTopologyKey,
  streamsGroupTopologyValue,
  topicRecord,
  transactionLogKey,
  transactionLogValue,
  unfenceBrokerRecord,
  unregisterBrokerRecord,
  unregisterControllerRecord,
  userScramCredentialRecord,
  votersRecord,
  zkMigrationStateRecord,
];
