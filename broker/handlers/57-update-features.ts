/**
 * UpdateFeatures (key 57), versions 0-2.
 *
 * Behaviour
 * - no feature can be changed yet: each is refused with INVALID_UPDATE_VERSION and the reason; the first error stands
 *   for all
 *
 * Versions
 * - 1: upgrade type, validate only
 * - 2: no result per feature
 */
import {
  readUpdateFeaturesRequest,
  type UpdateFeaturesRequest,
} from '../protocol/generated/update-features-request.ts';
import {
  type UpdateFeaturesResponseInit,
  writeUpdateFeaturesResponse,
} from '../protocol/generated/update-features-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Broker } from './broker.ts';
import { handler } from './handler.ts';

const ONE_ERROR_FROM = 2;

export const updateFeatures = handler<UpdateFeaturesRequest, UpdateFeaturesResponseInit>({
  key: 57,
  read: readUpdateFeaturesRequest,
  write: writeUpdateFeaturesResponse,
  handle(request, context, broker) {
    const results = request.featureUpdates.map(({ feature, maxVersionLevel }) => ({
      feature,
      ...refusal(broker, feature, maxVersionLevel),
    }));
    const first = results.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
    return {
      throttleTimeMs: 0,
      errorCode: first?.errorCode ?? ErrorCode.NONE,
      errorMessage: first?.errorMessage ?? null,
      results: first === undefined && context.version < ONE_ERROR_FROM ? results : [],
    };
  },
});

function refusal(broker: Broker, feature: string, level: number): { errorCode: number; errorMessage: string | null } {
  const { supported, finalized } = broker.features();
  if (finalized.find(({ name }) => name === feature)?.maxVersionLevel === level) {
    return { errorCode: ErrorCode.NONE, errorMessage: null };
  }
  const known = supported.find(({ name }) => name === feature);
  return known === undefined
    ? {
        errorCode: ErrorCode.INVALID_UPDATE_VERSION,
        errorMessage:
          `Invalid update version ${level} for feature ${feature}. ` +
          `Local controller ${broker.nodeId} does not support this feature.`,
      }
    : {
        errorCode: ErrorCode.INVALID_UPDATE_VERSION,
        errorMessage: `The level of feature ${feature} cannot be changed in this version.`,
      };
}
