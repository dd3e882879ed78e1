/**
 * IncrementalAlterConfigs (key 44), versions 0-1.
 *
 * Behaviour
 * - set, delete, append and subtract by name; what is not named stays (KIP-339)
 *
 * Versions
 * - 1: flexible
 */
import { alterConfigs as decide } from '../controller/mod.ts';
import {
  type IncrementalAlterConfigsRequest,
  readIncrementalAlterConfigsRequest,
} from '../protocol/generated/incremental-alter-configs-request.ts';
import {
  type IncrementalAlterConfigsResponseInit,
  writeIncrementalAlterConfigsResponse,
} from '../protocol/generated/incremental-alter-configs-response.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

export const incrementalAlterConfigs = handler<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponseInit>({
  key: 44,
  needsController: true,
  read: readIncrementalAlterConfigsRequest,
  write: writeIncrementalAlterConfigsResponse,
  async handle(request, context, broker) {
    const resources = request.resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      replacesAll: false,
      changes: configs.map(({ name, value, configOperation }) => ({ name, value, operation: configOperation })),
    }));
    const altered = await submit(broker, context, (image) =>
      decide(image, resources, { rules: broker.rules, validateOnly: request.validateOnly }),
    );
    const responses =
      'errorCode' in altered
        ? resources.map(({ resourceType, resourceName }) => ({ resourceType, resourceName, ...altered }))
        : altered;
    return { throttleTimeMs: 0, responses };
  },
});
