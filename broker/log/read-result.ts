/** What a read of the log hands out: whole batches, in memory that must be given back. */
export interface ReadResult {
  /** Whole batches in order; empty at the end of the log. */
  readonly chunks: readonly Buffer[];
  readonly sizeBytes: number;
  /** The offset asked for is below the log's start or past its end. */
  readonly isOutOfRange: boolean;
  /** Call once the bytes have left; they may be overwritten afterwards. */
  release(): void;
}

export interface ReadOptions {
  readonly offset: number;
  readonly maxBytes: number;
  /** Batches that start at or past it are not returned. */
  readonly upperBoundOffset: number;
  /** Return the first batch even when it is larger than `maxBytes` (T55). */
  readonly minOneBatch: boolean;
}

function nothing(): void {}

export const EMPTY_READ: ReadResult = { chunks: [], sizeBytes: 0, isOutOfRange: false, release: nothing };
export const OUT_OF_RANGE_READ: ReadResult = { chunks: [], sizeBytes: 0, isOutOfRange: true, release: nothing };
