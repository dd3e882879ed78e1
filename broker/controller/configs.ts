/** Dynamic configs: set, incrementally changed and validated as a whole before anything is written (KIP-339). */
import { ConfigResource, configsOf, type MetadataImage, type MetadataRecord } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { forgetEligible, minimumProblem } from './cluster-minimum.ts';
import { type ApiError, apiError, type Decision } from './decision.ts';
import { topicNameProblem } from './topics.ts';

/** What the config room knows of values; the controller knows only where they are kept. */
export interface ConfigRules {
  /** A sentence on what is wrong with these overrides of a resource as a whole, or undefined. */
  problemOf(resourceType: number, resourceName: string, overrides: ReadonlyMap<string, string>): string | undefined;
  isList(resourceType: number, name: string): boolean;
  /** The elements a list config has when nothing overrides it. */
  defaultList(resourceType: number, name: string): readonly string[];
}

/** Kafka's bound for a string in a record, which it counts in characters and we in bytes. */
const VALUE_BYTES_MAX = 32_767;

export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface ConfigChange {
  readonly name: string;
  readonly operation: number;
  readonly value: string | null;
}

export interface ResourceChange {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly changes: readonly ConfigChange[];
  /** The legacy AlterConfigs: what is not named loses its override. */
  readonly replacesAll: boolean;
}

export interface AlteredResource extends ApiError {
  readonly resourceType: number;
  readonly resourceName: string;
}

export function alterConfigs(
  image: MetadataImage,
  resources: readonly ResourceChange[],
  options: { readonly rules: ConfigRules; readonly validateOnly: boolean },
): Decision<AlteredResource[]> {
  const records: MetadataRecord[] = [];
  const seen = new Map<string, number>();
  for (const { resourceType, resourceName } of resources) {
    const key = `${resourceType}/${resourceName}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  const result = resources.map((resource): AlteredResource => {
    const { resourceType, resourceName } = resource;
    const answer = (error: ApiError): AlteredResource => ({ resourceType, resourceName, ...error });
    if ((seen.get(`${resourceType}/${resourceName}`) ?? 0) > 1) {
      return answer(apiError(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.'));
    }
    const resourceError = checkResource(image, resource);
    if (resourceError !== undefined) return answer(resourceError);
    const next = nextOverrides(image, resource, options.rules);
    if ('errorCode' in next) return answer(next);
    const problem = options.rules.problemOf(resourceType, resourceName, next.overrides);
    if (problem !== undefined) return answer(apiError(problemCode(resourceType), problem));
    const refusal = minimumProblem(resource, next.changedNames, next.overrides) ?? sizeProblem(next.overrides);
    if (refusal !== undefined) return answer(refusal);
    if (!options.validateOnly) records.push(...next.records, ...forgetEligible(next.records));
    return answer(apiError(ErrorCode.NONE));
  });
  return { records, result };
}

/** A record holds no longer strings, as in Kafka; lists come to be so long when they are appended to. */
function sizeProblem(overrides: ReadonlyMap<string, string>): ApiError | undefined {
  for (const value of overrides.values()) {
    if (Buffer.byteLength(value) <= VALUE_BYTES_MAX) continue;
    const message =
      'The configuration value cannot be added because it exceeds the maximum value size of ' +
      `${VALUE_BYTES_MAX} bytes.`;
    return apiError(ErrorCode.INVALID_CONFIG, message);
  }
  return undefined;
}

/** Kafka's brokers check their own configs, and say INVALID_REQUEST where the controller says INVALID_CONFIG. */
function problemCode(resourceType: number): number {
  const isOfBrokers = resourceType === ConfigResource.broker || resourceType === ConfigResource.clientMetrics;
  return isOfBrokers ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG;
}

function checkResource(
  image: MetadataImage,
  { resourceType, resourceName, replacesAll }: ResourceChange,
): ApiError | undefined {
  switch (resourceType) {
    case ConfigResource.topic:
      if (resourceName === '') return apiError(ErrorCode.INVALID_REQUEST, 'Default topic resources are not allowed.');
      if (topicNameProblem(resourceName) !== undefined) {
        return apiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `'${resourceName}' cannot be the name of a topic.`);
      }
      return image.topicsByName.has(resourceName)
        ? undefined
        : apiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`);
    case ConfigResource.broker: {
      if (resourceName === '') return undefined;
      const isKnown = /^\d+$/.test(resourceName) && image.brokers.has(Number(resourceName));
      return isKnown
        ? undefined
        : apiError(ErrorCode.INVALID_REQUEST, `No broker is registered under the id '${resourceName}'.`);
    }
    case ConfigResource.group:
    case ConfigResource.clientMetrics:
      return resourceName === ''
        ? apiError(ErrorCode.INVALID_REQUEST, 'Default resources of this type are not allowed.')
        : undefined;
    case ConfigResource.brokerLogger:
      // Loggers have no level of their own here, so every name is unknown; the legacy API never knew them.
      return replacesAll
        ? apiError(ErrorCode.INVALID_REQUEST, 'Loggers are changed by IncrementalAlterConfigs only.')
        : apiError(ErrorCode.INVALID_CONFIG, 'No logger of that name exists.');
    default:
      return apiError(ErrorCode.INVALID_REQUEST, `Unknown resource type ${resourceType}.`);
  }
}

function nextOverrides(
  image: MetadataImage,
  resource: ResourceChange,
  rules: ConfigRules,
): ApiError | { overrides: Map<string, string>; changedNames: Set<string>; records: MetadataRecord[] } {
  const { resourceType, resourceName } = resource;
  const current = configsOf(image, resourceType, resourceName);
  const overrides = new Map(resource.replacesAll ? [] : current);
  const names = new Set<string>();
  for (const change of resource.changes) {
    if (names.has(change.name)) {
      return apiError(ErrorCode.INVALID_REQUEST, `Error due to duplicate config keys: ${change.name}`);
    }
    names.add(change.name);
    const error = applyChange(overrides, current, change, resource, rules);
    if (error !== undefined) return error;
  }
  const records: MetadataRecord[] = [];
  const record = (name: string, value: string | null): void => {
    names.add(name);
    records.push({ kind: 'Config', resourceType, resourceName, name, value });
  };
  for (const [name, value] of overrides) if (current.get(name) !== value) record(name, value);
  for (const name of current.keys()) if (!overrides.has(name)) record(name, null);
  return { overrides, changedNames: names, records };
}

function applyChange(
  overrides: Map<string, string>,
  current: ReadonlyMap<string, string>,
  { name, operation, value }: ConfigChange,
  { resourceType }: ResourceChange,
  rules: ConfigRules,
): ApiError | undefined {
  if (operation === ConfigOperation.delete) {
    overrides.delete(name);
    return undefined;
  }
  if (value === null) return apiError(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${name}`);
  if (operation === ConfigOperation.set) {
    overrides.set(name, value);
    return undefined;
  }
  if (operation !== ConfigOperation.append && operation !== ConfigOperation.subtract) {
    return apiError(ErrorCode.INVALID_REQUEST, `Unknown operation ${operation} on ${name}.`);
  }
  if (!rules.isList(resourceType, name)) {
    const verb = operation === ConfigOperation.append ? 'APPEND' : 'SUBTRACT';
    return apiError(ErrorCode.INVALID_CONFIG, `Can't ${verb} to key ${name} because its type is not LIST.`);
  }
  const present = current
    .get(name)
    ?.split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '');
  const elements = [...(present ?? rules.defaultList(resourceType, name))];
  const given = value
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '');
  const next =
    operation === ConfigOperation.append
      ? [...new Set([...elements, ...given])]
      : elements.filter((element) => !given.includes(element));
  overrides.set(name, next.join(','));
  return undefined;
}
