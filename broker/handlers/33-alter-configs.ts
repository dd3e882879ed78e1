/**
 * AlterConfigs (key 33), versions 0-2.
 *
 * Behaviour
 * - the legacy form: replaces all overrides of a resource by those it names
 *
 * Versions
 * - 2: flexible
 */
import { ConfigOperation, alterConfigs as decide } from '../controller/mod.ts';
import { type AlterConfigsRequest, readAlterConfigsRequest } from '../protocol/generated/alter-configs-request.ts';
import {
  type AlterConfigsResponseInit,
  writeAlterConfigsResponse,
} from '../protocol/generated/alter-configs-response.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

export const alterConfigs = handler<AlterConfigsRequest, AlterConfigsResponseInit>({
  key: 33,
  needsController: true,
  read: readAlterConfigsRequest,
  write: writeAlterConfigsResponse,
  async handle(request, context, broker) {
    const resources = request.resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      replacesAll: true,
      changes: configs.map(({ name, value }) => ({ name, value, operation: ConfigOperation.set })),
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
