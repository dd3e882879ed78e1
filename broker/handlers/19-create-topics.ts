/**
 * CreateTopics (key 19), versions 2-7.
 *
 * Behaviour
 * - each topic is judged by itself; the good ones of a request are created even when others are refused
 * - the answer comes when this broker serves the new partitions
 *
 * Versions
 * - 5: flexible; partitions, replication factor and effective configs are answered
 * - 7: topic id
 */
import { type CreatedTopic, createTopics as decide } from '../controller/mod.ts';
import { type CreateTopicsRequest, readCreateTopicsRequest } from '../protocol/generated/create-topics-request.ts';
import {
  type CreateTopicsResponseInit,
  type CreateTopicsResponseTopicsInit,
  writeCreateTopicsResponse,
} from '../protocol/generated/create-topics-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Broker } from './broker.ts';
import { describeTopicConfigs } from './describe-config.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

const CONFIGS_FROM = 5;

export const createTopics = handler<CreateTopicsRequest, CreateTopicsResponseInit>({
  key: 19,
  needsController: true,
  read: readCreateTopicsRequest,
  write: writeCreateTopicsResponse,
  async handle(request, context, broker) {
    const configs = new Map<string, Map<string, string | null>>();
    const wanted = request.topics.map((topic) => {
      const given = new Map(topic.configs.map(({ name, value }) => [name, value]));
      configs.set(topic.name, given);
      return {
        name: topic.name,
        partitionCount: topic.numPartitions,
        replicationFactor: topic.replicationFactor,
        assignments: topic.assignments.map(({ partitionIndex, brokerIds }) => ({
          partition: partitionIndex,
          brokerIds,
        })),
        configs: given,
      };
    });
    const created = await submit(broker, context, (image) =>
      decide(image, wanted, {
        defaults: broker.topicDefaults(),
        rules: broker.rules,
        random: broker.runtime.random,
        validateOnly: request.validateOnly,
      }),
    );
    const topics =
      'errorCode' in created
        ? wanted.map(({ name }) => ({
            name,
            errorCode: created.errorCode,
            errorMessage: created.errorMessage,
            configs: [],
          }))
        : created.map((topic) => toWire(broker, topic, configs.get(topic.name), context.version));
    return { throttleTimeMs: 0, topics };
  },
});

function toWire(
  broker: Broker,
  topic: CreatedTopic,
  given: ReadonlyMap<string, string | null> | undefined,
  version: number,
): CreateTopicsResponseTopicsInit {
  const { name, topicId, errorCode, errorMessage } = topic;
  if (errorCode !== ErrorCode.NONE || version < CONFIGS_FROM)
    return { name, topicId, errorCode, errorMessage, configs: [] };
  const overrides = new Map<string, string>();
  for (const [key, value] of given ?? []) if (value !== null) overrides.set(key, value);
  return {
    name,
    topicId,
    errorCode,
    errorMessage,
    numPartitions: topic.partitionCount,
    replicationFactor: topic.replicationFactor,
    configs: describeTopicConfigs(broker.config, overrides).map((entry) => ({
      name: entry.name,
      value: entry.value,
      readOnly: false,
      configSource: entry.source,
      isSensitive: false,
    })),
  };
}
