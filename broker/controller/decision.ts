/** What the controller's pure functions return: records for the log, and the answer for when they are in it. */
import type { MetadataRecord } from '../metadata/mod.ts';

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
