/** Client quotas: set and removed per entity (KIP-546). */
import { type MetadataImage, type MetadataRecord, type QuotaImage, quotaKey } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type ApiError, apiError, type Decision } from './decision.ts';

const USER_KEYS = new Set([
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'controller_mutation_rate',
]);
const WHOLE_KEYS = new Set(['producer_byte_rate', 'consumer_byte_rate', 'connection_creation_rate']);
const IP_KEYS = new Set(['connection_creation_rate']);

export interface QuotaChange {
  readonly entity: QuotaImage['entity'];
  readonly ops: readonly { readonly key: string; readonly value: number; readonly remove: boolean }[];
}

export interface AlteredQuota extends ApiError {
  readonly entity: QuotaImage['entity'];
}

export function alterClientQuotas(
  image: MetadataImage,
  changes: readonly QuotaChange[],
  options: { readonly validateOnly: boolean },
): Decision<AlteredQuota[]> {
  const records: MetadataRecord[] = [];
  const counts = new Map<string, number>();
  for (const { entity } of changes) counts.set(quotaKey(entity), (counts.get(quotaKey(entity)) ?? 0) + 1);
  const distinct = [...new Map(changes.map((change) => [quotaKey(change.entity), change])).values()];
  const result = distinct.map(({ entity, ops }): AlteredQuota => {
    const isRepeated = (counts.get(quotaKey(entity)) ?? 0) > 1;
    const problem =
      (isRepeated ? 'The same entity stands twice in the request' : undefined) ??
      entityProblem(entity) ??
      opsProblem(entity, ops);
    if (problem !== undefined) return { entity, ...apiError(ErrorCode.INVALID_REQUEST, problem) };
    const current = image.quotas.get(quotaKey(entity))?.values;
    for (const { key, value, remove } of ops) {
      const isNeeded = remove ? current?.has(key) === true : current?.get(key) !== value;
      if (isNeeded && !options.validateOnly) {
        records.push({ kind: 'ClientQuota', entity: [...entity], key, value: remove ? 0 : value, remove });
      }
    }
    return { entity, ...apiError(ErrorCode.NONE) };
  });
  return { records, result };
}

function entityProblem(entity: QuotaImage['entity']): string | undefined {
  if (entity.length === 0) return 'Invalid empty client quota entity';
  const types = entity.map(({ entityType }) => entityType);
  if (new Set(types).size !== types.length) return `Invalid client quota entity, duplicate entity entry type`;
  const unknown = types.find((type) => !['user', 'client-id', 'ip'].includes(type));
  if (unknown !== undefined) return `Unhandled client quota entity type: ${unknown}`;
  if (types.includes('ip') && types.length > 1)
    return 'Invalid quota entity combination, IP entity should not be used with others';
  const strange = entity.find(({ entityType, entityName }) => entityType === 'ip' && !isHost(entityName));
  if (strange !== undefined) return `${strange.entityName} is not a valid IP address or host name`;
  if (entity.some(({ entityName }) => entityName === '')) return 'Empty name is not allowed in a client quota entity';
  return undefined;
}

function opsProblem(entity: QuotaImage['entity'], ops: QuotaChange['ops']): string | undefined {
  const legal = entity[0]?.entityType === 'ip' ? IP_KEYS : USER_KEYS;
  const seen = new Set<string>();
  for (const { key, value, remove } of ops) {
    if (seen.has(key)) return `Duplicate quota key ${key}`;
    seen.add(key);
    if (!legal.has(key)) return `Invalid configuration key ${key}`;
    if (!remove && !(value > 0)) return `Quota ${key} must be greater than 0`;
    if (!remove && WHOLE_KEYS.has(key) && !Number.isSafeInteger(value)) return `${key} must be a whole number`;
  }
  return undefined;
}

/** An address, a name that a resolver would take, or null, the default of all addresses. */
function isHost(name: string | null): boolean {
  return name === null || name === '' || /^[0-9a-fA-F:.]+$|^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/.test(name);
}
