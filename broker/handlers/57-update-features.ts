/**
 * UpdateFeatures (key 57), versions 0-2.
 *
 * Behaviour
 * - raises the level of a feature that the cluster uses, once every registered broker knows that level; all updates or
 *   none, and the first error stands for all
 * - no level is ever lowered
 *
 * Versions
 * - 1: upgrade type, validate only
 * - 2: no result per feature
 */
import { updateFeatures as decide } from '../controller/mod.ts';
import {
  readUpdateFeaturesRequest,
  type UpdateFeaturesRequest,
} from '../protocol/generated/update-features-request.ts';
import {
  type UpdateFeaturesResponseInit,
  writeUpdateFeaturesResponse,
} from '../protocol/generated/update-features-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

const ONE_ERROR_FROM = 2;

export const updateFeatures = handler<UpdateFeaturesRequest, UpdateFeaturesResponseInit>({
  key: 57,
  needsController: true,
  read: readUpdateFeaturesRequest,
  write: writeUpdateFeaturesResponse,
  async handle({ featureUpdates, validateOnly }, context, broker) {
    const updates = featureUpdates.map(({ feature, maxVersionLevel: level }) => ({ feature, level }));
    const { errorCode, errorMessage } = await submit(broker, context, (image) => {
      const decision = decide(image, updates);
      return validateOnly ? { ...decision, records: [] } : decision;
    });
    const isDone = errorCode === ErrorCode.NONE;
    return {
      throttleTimeMs: 0,
      errorCode,
      errorMessage,
      results:
        isDone && context.version < ONE_ERROR_FROM
          ? updates.map(({ feature }) => ({ feature, errorCode, errorMessage }))
          : [],
    };
  },
});
