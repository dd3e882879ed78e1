/**
 * Replicas: the only way to a partition's log. In come appends, reads, the fetches of followers and the cluster's
 * decisions about leadership; out come offsets, records and the moment at which they are committed. It replicates: a
 * leader here serves followers and asks the controller for changes of its in-sync set, a follower here fetches from its
 * leader. It knows nothing of how requests arrive, and decides no election.
 */
export type { ReplicationCounters } from './counters.ts';
export {
  type FetchContext,
  type FetchedPartition,
  type FetchPartition,
  type FetchSessionRequest,
  FetchSessions,
} from './fetch-sessions.ts';
export { fetchConnectionOptions } from './fetcher-manager.ts';
export type { FollowerAnswer } from './follower-session.ts';
export type { FollowerFetch, FollowerFetchResult, FollowerSessions } from './follower-sessions.ts';
export { type Cluster, NO_PEERS, type Peer, peerFrom } from './peers.ts';
export { type AppendOptions, type LeadershipState, type ReadIsolation, Replica } from './replica.ts';
export { type PartitionAssignment, type ReplicaConfig, ReplicaManager, type ThrottleRates } from './replica-manager.ts';
export { DEFAULT_REPLICATION_CONFIG, type ReplicationConfig } from './replication-config.ts';
export { type ThrottledPartitions, throttledPartitions } from './throttle.ts';
