/** What the controller's pure functions return: records for the log, and the answer for when they are in it. */
import type { MetadataRecord } from '../metadata/mod.ts';
import { BrokerError } from '../std/mod.ts';

export interface Decision<Result> {
  readonly records: readonly MetadataRecord[];
  readonly result: Result;
  /**
   * There is more to decide once these records are in the log. Each part leaves the cluster consistent by itself, so
   * whoever is the controller then may decide anew.
   */
  readonly isPartial?: boolean;
}

/** A client's mistake: a Kafka error code and a sentence. */
export interface ApiError {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export function apiError(errorCode: number, errorMessage: string | null = null): ApiError {
  return { errorCode, errorMessage };
}

/** Partitions that one request may make or change, as in Kafka. */
const PARTITIONS_PER_REQUEST_MAX = 10_000;

/** Refuses the whole request: what is decided on it must fit the log as one change. */
export function refuseExcess(
  partitionCount: number,
  message = 'Unable to perform excessively large batch operation.',
): void {
  if (partitionCount > PARTITIONS_PER_REQUEST_MAX) throw new BrokerError('store.tooLarge', message);
}
