/** What replication has done since the start, for whoever exports it. They only grow. */
export class ReplicationCounters {
  inSyncExpands = 0;
  inSyncShrinks = 0;
  failedInSyncUpdates = 0;
  /** Bytes that came in from leaders and went out to followers; of those, the ones of replicas being added. */
  replicationBytesIn = 0;
  replicationBytesOut = 0;
  reassignmentBytesIn = 0;
  reassignmentBytesOut = 0;
}
