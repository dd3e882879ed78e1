/**
 * UpdateFeatures (key 57), versions 0-2.
 *
 * Behaviour
 * - no feature can be changed yet: each is refused with FEATURE_UPDATE_FAILED or INVALID_UPDATE_VERSION and the reason
 *
 * Versions
 * - 1: upgrade type, validate only
 * - 2: no result per feature: the first error stands for all
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
    if (request.featureUpdates.length === 0) {
      const errorMessage = 'Can not provide empty feature updates.';
      return { throttleTimeMs: 0, errorCode: ErrorCode.INVALID_REQUEST, errorMessage, results: [] };
    }
    const results = request.featureUpdates.map(({ feature, maxVersionLevel }) => ({
      feature,
      ...refusal(broker, feature, maxVersionLevel),
    }));
    const first = results.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
    if (context.version >= ONE_ERROR_FROM) {
      return {
        throttleTimeMs: 0,
        errorCode: first?.errorCode ?? ErrorCode.NONE,
        errorMessage: first?.errorMessage ?? null,
        results: [],
      };
    }
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, results };
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
        errorCode: ErrorCode.FEATURE_UPDATE_FAILED,
        errorMessage: `The level of feature ${feature} cannot be changed in this version.`,
      };
}
