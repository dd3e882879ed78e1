/**
 * Replicas: the only way to a partition's log. In come appends, reads and the cluster's decisions about leadership; out
 * come offsets, records and the moment at which they are committed. It knows nothing of requests and responses.
 */
export {
  type FetchContext,
  type FetchedPartition,
  type FetchPartition,
  type FetchSessionRequest,
  FetchSessions,
} from './fetch-sessions.ts';
export { type AppendOptions, type LeadershipState, type ReadIsolation, Replica } from './replica.ts';
export { type PartitionAssignment, type ReplicaConfig, ReplicaManager } from './replica-manager.ts';
