/** The broker's replication configs, typed, under Kafka's names and with Kafka's defaults. */
export interface ReplicationConfig {
  /** `replica.lag.time.max.ms`: a follower that was not caught up for this long leaves the in-sync set. */
  readonly lagTimeMaxMs: number;
  /** `replica.fetch.max.bytes`: of one partition in one fetch; a larger first batch still comes whole. */
  readonly fetchMaxBytes: number;
  /** `replica.fetch.response.max.bytes` */
  readonly fetchResponseMaxBytes: number;
  readonly fetchMinBytes: number;
  readonly fetchWaitMaxMs: number;
  /** `replica.fetch.backoff.ms`: the longest pause after an error of one partition. */
  readonly fetchBackoffMs: number;
}

export const DEFAULT_REPLICATION_CONFIG: ReplicationConfig = {
  lagTimeMaxMs: 30_000,
  fetchMaxBytes: 1024 * 1024,
  fetchResponseMaxBytes: 10 * 1024 * 1024,
  fetchMinBytes: 1,
  fetchWaitMaxMs: 500,
  fetchBackoffMs: 1_000,
};
