/** What is wrong with the records of one partition before any log has seen them; Kafka finds it while parsing. */
import {
  BATCH_PREFIX_BYTES,
  batchCompression,
  batchIsTransactional,
  batchMagic,
  batchSizeBytes,
  ErrorCode,
  MAGIC_V2,
} from '../protocol/mod.ts';

const SIZE_AND_MAGIC_BYTES = BATCH_PREFIX_BYTES + 5;
const ZSTD = 4;
const ZSTD_FROM = 7;

export interface RequestProblem {
  readonly errorCode: number;
  readonly message: string;
}

/** The one batch of the records, without what follows it; or why there is not exactly one that can be taken. */
export function singleBatch(records: Buffer | null, version: number): Buffer | RequestProblem {
  if (records === null || !holdsBatch(records)) {
    return problem(ErrorCode.INVALID_RECORD, 'Produce requests must have exactly one record batch');
  }
  const magic = batchMagic(records, 0);
  if (magic > MAGIC_V2) return problem(ErrorCode.CORRUPT_MESSAGE, `record format ${magic} is unknown`);
  if (magic < MAGIC_V2) return problem(ErrorCode.INVALID_RECORD, `record format ${magic} is no longer taken, only 2`);
  const sizeBytes = batchSizeBytes(records, 0);
  if (holdsBatch(records.subarray(sizeBytes))) {
    return problem(ErrorCode.INVALID_RECORD, 'Produce requests must have exactly one record batch, there are more');
  }
  const batch = sizeBytes < records.length ? records.subarray(0, sizeBytes) : records;
  if (version < ZSTD_FROM && sizeBytes > SIZE_AND_MAGIC_BYTES + 5 && batchCompression(batch, 0) === ZSTD) {
    return problem(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `zstd needs version ${ZSTD_FROM} of Produce`);
  }
  return batch;
}

/** Whether a client marks the batch as part of a transaction. */
export function isTransactional(records: Buffer | null): boolean {
  return records !== null && records.length > SIZE_AND_MAGIC_BYTES + 5 && batchIsTransactional(records, 0);
}

function holdsBatch(bytes: Buffer): boolean {
  if (bytes.length < SIZE_AND_MAGIC_BYTES) return false;
  const sizeBytes = batchSizeBytes(bytes, 0);
  return sizeBytes >= SIZE_AND_MAGIC_BYTES && sizeBytes <= bytes.length;
}

function problem(errorCode: number, message: string): RequestProblem {
  return { errorCode, message };
}
