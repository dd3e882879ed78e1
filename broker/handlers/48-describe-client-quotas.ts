/**
 * DescribeClientQuotas (key 48), versions 0-1.
 *
 * Behaviour
 * - entities that match every component: an exact name, the default, or any name; strict leaves out entities with more
 *
 * Versions
 * - 1: flexible
 */
import type { QuotaImage } from '../metadata/mod.ts';
import {
  type DescribeClientQuotasRequest,
  type DescribeClientQuotasRequestComponents,
  readDescribeClientQuotasRequest,
} from '../protocol/generated/describe-client-quotas-request.ts';
import {
  type DescribeClientQuotasResponseInit,
  writeDescribeClientQuotasResponse,
} from '../protocol/generated/describe-client-quotas-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

const EXACT = 0;
const DEFAULT = 1;
const ANY = 2;
const ENTITY_TYPES = ['user', 'client-id', 'ip'];

export const describeClientQuotas = handler<DescribeClientQuotasRequest, DescribeClientQuotasResponseInit>({
  key: 48,
  read: readDescribeClientQuotasRequest,
  write: writeDescribeClientQuotasResponse,
  handle(request, _context, broker) {
    const problem = requestProblem(request);
    if (problem !== undefined) {
      const [errorCode, errorMessage] = problem;
      return { throttleTimeMs: 0, errorCode, errorMessage, entries: null };
    }
    const entries = [...broker.image.quotas.values()]
      .filter((quota) => matches(quota, request))
      .map(({ entity, values }) => ({ entity, values: [...values].map(([key, value]) => ({ key, value })) }));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, entries };
  },
});

function requestProblem({ components }: DescribeClientQuotasRequest): [number, string] | undefined {
  const types = components.map(({ entityType }) => entityType);
  const unknown = types.find((type) => !ENTITY_TYPES.includes(type));
  if (types.includes('')) return [ErrorCode.INVALID_REQUEST, 'Unexpected empty filter component entity type'];
  if (unknown !== undefined) return [ErrorCode.UNSUPPORTED_VERSION, `Custom entity type '${unknown}' not supported`];
  if (new Set(types).size !== types.length) {
    return [
      ErrorCode.INVALID_REQUEST,
      `Duplicate ${types.find((type, at) => types.indexOf(type) !== at)} filter component entity type`,
    ];
  }
  for (const { matchType, match } of components) {
    if (matchType < EXACT || matchType > ANY) return [ErrorCode.INVALID_REQUEST, `Unexpected match type ${matchType}`];
    if ((matchType === EXACT) !== (match !== null)) {
      const wanted = matchType === EXACT ? 'needs a name' : 'takes no name';
      return [ErrorCode.INVALID_REQUEST, `A filter component of match type ${matchType} ${wanted}`];
    }
  }
  return types.includes('ip') && types.length > 1
    ? [
        ErrorCode.INVALID_REQUEST,
        'Invalid entity filter component combination, IP filter component should not be used with other types',
      ]
    : undefined;
}

function matches({ entity }: QuotaImage, { components, strict }: DescribeClientQuotasRequest): boolean {
  if (strict && entity.length !== components.length) return false;
  return components.every((component) => matchesComponent(entity, component));
}

function matchesComponent(entity: QuotaImage['entity'], component: DescribeClientQuotasRequestComponents): boolean {
  const part = entity.find(({ entityType }) => entityType === component.entityType);
  if (part === undefined) return false;
  if (component.matchType === EXACT) return part.entityName === component.match;
  return component.matchType === DEFAULT ? part.entityName === null : true;
}
