/**
 * DescribeConfigs (key 32), versions 1-4.
 *
 * Behaviour
 * - every config of the resource, with its source, whether it can be changed, and on request its synonyms and a
 * sentence
 *   on what it does; sensitive values are never shown
 * - a broker resource must be this broker, or empty for the cluster-wide defaults
 *
 * Versions
 * - 3: type and documentation
 * - 4: flexible
 */

import { topicNameProblem } from '../controller/mod.ts';
import { ConfigResource, configsOf } from '../metadata/mod.ts';
import {
  type DescribeConfigsRequest,
  type DescribeConfigsRequestResources,
  readDescribeConfigsRequest,
} from '../protocol/generated/describe-configs-request.ts';
import {
  type DescribeConfigsResponseInit,
  type DescribeConfigsResponseResultsInit,
  writeDescribeConfigsResponse,
} from '../protocol/generated/describe-configs-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Broker } from './broker.ts';
import {
  type ConfigEntry,
  describeBrokerConfigs,
  describeClientMetricsConfigs,
  describeClusterDefaults,
  describeGroupConfigs,
  describeTopicConfigs,
} from './describe-config.ts';
import { handler } from './handler.ts';

export const describeConfigs = handler<DescribeConfigsRequest, DescribeConfigsResponseInit>({
  key: 32,
  read: readDescribeConfigsRequest,
  write: writeDescribeConfigsResponse,
  handle(request, _context, broker) {
    return { throttleTimeMs: 0, results: request.resources.map((resource) => describe(broker, resource, request)) };
  },
});

function describe(
  broker: Broker,
  resource: DescribeConfigsRequestResources,
  request: DescribeConfigsRequest,
): DescribeConfigsResponseResultsInit {
  const { resourceType, resourceName, configurationKeys } = resource;
  const found = findEntries(broker, resourceType, resourceName);
  if ('errorCode' in found) return { ...found, resourceType, resourceName, configs: [] };
  // An empty list of names asks for everything, as null does: old tools send it so.
  const wanted = configurationKeys === null || configurationKeys.length === 0 ? undefined : new Set(configurationKeys);
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    resourceType,
    resourceName,
    configs: found
      .filter(({ name }) => wanted === undefined || wanted.has(name))
      .map((entry) => ({
        name: entry.name,
        value: entry.value,
        readOnly: entry.readOnly,
        configSource: entry.source,
        isSensitive: entry.isSensitive,
        synonyms: request.includeSynonyms ? entry.synonyms : [],
        configType: entry.type,
        documentation: request.includeDocumentation ? entry.documentation : null,
      })),
  };
}

function findEntries(
  broker: Broker,
  resourceType: number,
  resourceName: string,
): ConfigEntry[] | { errorCode: number; errorMessage: string } {
  const { image, config } = broker;
  switch (resourceType) {
    case ConfigResource.topic:
      if (topicNameProblem(resourceName) !== undefined) {
        return { errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, errorMessage: 'The topic name is not legal.' };
      }
      if (!image.topicsByName.has(resourceName)) {
        return {
          errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          errorMessage: 'This server does not host this topic-partition.',
        };
      }
      return describeTopicConfigs(config, configsOf(image, resourceType, resourceName));
    case ConfigResource.broker:
      if (resourceName === '') return describeClusterDefaults(configsOf(image, resourceType, ''));
      if (resourceName === String(broker.nodeId)) return describeBrokerConfigs(config);
      return {
        errorCode: ErrorCode.INVALID_REQUEST,
        errorMessage: `Unexpected broker id, expected ${broker.nodeId} or empty string, but received ${resourceName}`,
      };
    case ConfigResource.group:
      if (resourceName === '')
        return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Group name must not be empty' };
      return describeGroupConfigs(config, configsOf(image, resourceType, resourceName));
    case ConfigResource.clientMetrics:
      if (resourceName === '') {
        return {
          errorCode: ErrorCode.INVALID_REQUEST,
          errorMessage: 'Client metrics subscription name must not be empty',
        };
      }
      return describeClientMetricsConfigs(configsOf(image, resourceType, resourceName));
    case ConfigResource.brokerLogger:
      if (resourceName === String(broker.nodeId)) return [];
      return {
        errorCode: ErrorCode.INVALID_REQUEST,
        errorMessage: `Unexpected broker id, expected ${broker.nodeId} but received '${resourceName}'`,
      };
    default:
      return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: `Unsupported resource type: ${resourceType}` };
  }
}
