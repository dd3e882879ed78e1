/** Kafka's names for the files and folders of a log. */
export const LOG_SUFFIX = '.log';
export const INDEX_SUFFIX = '.index';
export const TIME_INDEX_SUFFIX = '.timeindex';
export const TRANSACTION_INDEX_SUFFIX = '.txnindex';
export const SNAPSHOT_SUFFIX = '.snapshot';
/** Added to a file that is on its way out, is being written by the cleaner, or is being swapped in. */
export const DELETED_SUFFIX = '.deleted';
export const CLEANED_SUFFIX = '.cleaned';
export const SWAP_SUFFIX = '.swap';
export const DELETE_FOLDER_SUFFIX = '-delete';
export const STRAY_FOLDER_SUFFIX = '-stray';

export const SEGMENT_SUFFIXES: readonly string[] = [
  LOG_SUFFIX,
  INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
];

const FILE_NAME = /^(\d{20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)(\.deleted|\.cleaned|\.swap)?$/;
const FOLDER_NAME = /^(.+)-(\d+)$/;
const FOLDER_NAME_BYTES_MAX = 255;

export function segmentFileName(baseOffset: number, suffix: string): string {
  return `${String(baseOffset).padStart(20, '0')}${suffix}`;
}

/** Undefined for a name that is not one of a log's files. */
export function parseFileName(name: string): { baseOffset: number; kind: string; state: string } | undefined {
  const match = FILE_NAME.exec(name);
  if (match === null) return undefined;
  return { baseOffset: Number(match[1]), kind: match[2] as string, state: match[3] ?? '' };
}

export function partitionFolderName(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** Undefined for a folder that is not a partition's: a deleted one, a stray one, or something foreign. */
export function parsePartitionFolder(name: string): { topic: string; partition: number } | undefined {
  if (name.endsWith(DELETE_FOLDER_SUFFIX) || name.endsWith(STRAY_FOLDER_SUFFIX)) return undefined;
  const match = FOLDER_NAME.exec(name);
  return match === null ? undefined : { topic: match[1] as string, partition: Number(match[2]) };
}

/** `<topic>-<partition>.<32 hex digits>-delete`, cut to what a file system takes. */
export function retiredFolderName(topic: string, partition: number, id: string, suffix: string): string {
  const tail = `-${partition}.${id}${suffix}`;
  return `${topic.slice(0, FOLDER_NAME_BYTES_MAX - tail.length)}${tail}`;
}
