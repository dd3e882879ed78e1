/**
 * ListConfigResources (key 74), versions 0-1.
 *
 * Behaviour
 * - resources that can have, or have, dynamic configs; without types: all that Kafka lists
 *
 * Versions
 * - 0: client metrics subscriptions only
 * - 1: every type
 */

import { ConfigResource } from '../metadata/mod.ts';
import {
  type ListConfigResourcesRequest,
  readListConfigResourcesRequest,
} from '../protocol/generated/list-config-resources-request.ts';
import {
  type ListConfigResourcesResponseInit,
  writeListConfigResourcesResponse,
} from '../protocol/generated/list-config-resources-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Broker } from './broker.ts';
import { handler } from './handler.ts';

const ALL_TYPES = [
  ConfigResource.topic,
  ConfigResource.broker,
  ConfigResource.brokerLogger,
  ConfigResource.clientMetrics,
  ConfigResource.group,
];

export const listConfigResources = handler<ListConfigResourcesRequest, ListConfigResourcesResponseInit>({
  key: 74,
  read: readListConfigResourcesRequest,
  write: writeListConfigResourcesResponse,
  handle(request, context, broker) {
    const asked = context.version === 0 ? [ConfigResource.clientMetrics] : request.resourceTypes;
    const types = asked.length === 0 ? ALL_TYPES : asked;
    if (types.some((type) => !(ALL_TYPES as readonly number[]).includes(type))) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] };
    }
    const configResources = types.flatMap((resourceType) =>
      namesOf(broker, resourceType).map((resourceName) => ({ resourceName, resourceType })),
    );
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, configResources };
  },
});

function namesOf(broker: Broker, resourceType: number): string[] {
  switch (resourceType) {
    case ConfigResource.topic:
      return [...broker.image.topicsByName.keys()];
    case ConfigResource.broker:
    case ConfigResource.brokerLogger:
      return [...broker.image.brokers.keys()].map(String);
    default:
      return [...broker.image.configs.keys()]
        .filter((key) => key.startsWith(`${resourceType}/`))
        .map((key) => key.slice(key.indexOf('/') + 1));
  }
}
