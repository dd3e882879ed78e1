/**
 * Two answers side by side. What differs by nature (addresses, ids a broker draws, moments, words) is masked; all other
 * fields must be equal. Arrays of structs are compared as sets, for Kafka answers many in the order of a hash table.
 */
import { errorName } from '../../broker/protocol/mod.ts';

/** Field names that are never compared, and why. */
export const MASKED: Readonly<Record<string, string>> = {
  host: 'each broker has its own address',
  port: 'each broker has its own address',
  clusterId: 'drawn when the storage is formatted',
  logDir: 'a path of this machine',
  totalBytes: 'the volume is shared with other programs',
  usableBytes: 'the volume is shared with other programs',
  finalizedFeaturesEpoch: 'the offset of the metadata log',
  errorMessage: 'words, which Kafka leaves out in places',
  batchIndexErrorMessage: 'words',
  documentation: 'words',
};

const MOMENTS = new Set(['logAppendTimeMs', 'lastTimestamp']);
const RANDOM_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA';
/** Earlier than any run of this suite, later than any timestamp the corpus writes with intent. */
const RECENT_MS = 1_791_000_000_000;

export interface Difference {
  readonly path: string;
  readonly kafka: string;
  readonly ottla: string;
}

/** The answer as it is compared: masked, named, sorted. */
export function comparable(value: unknown, labels: ReadonlyMap<string, string>, key = ''): unknown {
  if (key in MASKED) return '<masked>';
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return withoutMoments(value).toString('hex');
  if (Array.isArray(value)) {
    const items = value.map((item) => comparable(item, labels, key));
    const areStructs = items.some((item) => typeof item === 'object' && item !== null);
    return areStructs ? items.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)) : items;
  }
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, comparable(child, labels, name)]));
  }
  const label = typeof value === 'string' || idFields.has(key) ? labels.get(String(value)) : undefined;
  if (label !== undefined) return label;
  if (typeof value === 'string') {
    if (RANDOM_ID.test(value)) return '<random id>';
    return key === 'topicId' && value !== ZERO_UUID && !/^A+Q$/.test(value) ? '<topic id>' : value;
  }
  if (typeof value === 'number') {
    if (key === 'errorCode') return errorName(value);
    if (MOMENTS.has(key) && value > RECENT_MS) return '<now>';
    if (idFields.has(key) && value > 0) return `<${key}>`;
  }
  return value;
}

const idFields = new Set(['producerId', 'sessionId']);

const sortKey = (value: unknown): string => JSON.stringify(value);

/** LogAppendTime batches carry the moment of the append: bytes 27 to 43, and the checksum over them. */
function withoutMoments(bytes: Buffer): Buffer {
  if (bytes.length < 61 || ((bytes[22] as number) & 8) === 0) return bytes;
  const copy = Buffer.from(bytes);
  copy.fill(0, 17, 21).fill(0, 27, 43);
  return copy;
}

export function differences(kafka: unknown, ottla: unknown, path = ''): Difference[] {
  if (isStruct(kafka) && isStruct(ottla)) {
    const keys = new Set([...Object.keys(kafka), ...Object.keys(ottla)]);
    return [...keys].flatMap((key) => differences(kafka[key], ottla[key], path === '' ? key : `${path}.${key}`));
  }
  if (Array.isArray(kafka) && Array.isArray(ottla)) return arrayDifferences(kafka, ottla, path);
  const a = JSON.stringify(kafka) ?? 'absent';
  const b = JSON.stringify(ottla) ?? 'absent';
  return a === b ? [] : [{ path, kafka: a, ottla: b }];
}

const NAME_KEYS = [
  'name',
  'topic',
  'groupId',
  'partitionIndex',
  'partition',
  'index',
  'apiKey',
  'resourceName',
  'brokerId',
  'nodeId',
];

/** Elements with a name are paired by it, so that one missing element is one difference. */
function arrayDifferences(kafka: readonly unknown[], ottla: readonly unknown[], path: string): Difference[] {
  const first = kafka.find(isStruct) ?? ottla.find(isStruct);
  const key = first === undefined ? undefined : NAME_KEYS.find((name) => name in first);
  const names = (list: readonly unknown[]): string[] =>
    list.map((item) => String((item as Record<string, unknown>)[key as string]));
  if (key !== undefined && new Set(names(kafka)).size === kafka.length && new Set(names(ottla)).size === ottla.length) {
    const byName = (list: readonly unknown[]): Record<string, unknown> =>
      Object.fromEntries(list.map((item, i) => [names(list)[i], item]));
    const a = byName(kafka);
    const b = byName(ottla);
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((name) =>
      differences(a[name], b[name], `${path}[${name}]`),
    );
  }
  const length = Math.max(kafka.length, ottla.length);
  return Array.from({ length }, (_, i) => differences(kafka[i], ottla[i], `${path}[${i}]`)).flat();
}

function isStruct(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every error code of an answer, for the table of what was covered. */
export function errorsIn(value: unknown, key = ''): string[] {
  if (key === 'errorCode' && typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap((item) => errorsIn(item));
  if (isStruct(value)) return Object.entries(value).flatMap(([name, child]) => errorsIn(child, name));
  return typeof value === 'string' && value.startsWith('refused') ? ['connection closed'] : [];
}
