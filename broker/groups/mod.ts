/**
 * Group coordinators: members, generations and committed offsets. In come joins, syncs, heartbeats and commits in
 * domain terms; out come assignments, error codes and records of `__consumer_offsets`. It knows no connections, and of
 * topics only whether they exist.
 */
export type { Group, GroupState } from './group.ts';
export { type GroupConfig, groupConfigOf } from './group-config.ts';
export {
  type CommitRequest,
  GroupCoordinator,
  type GroupDescription,
  type OffsetToCommit,
  type TopicLookup,
} from './group-coordinator.ts';
export type { JoinRequest, SyncRequest } from './group-shard.ts';
export type { JoinResult, Protocol, SyncResult } from './member.ts';
export type { CommittedOffset } from './offsets.ts';
