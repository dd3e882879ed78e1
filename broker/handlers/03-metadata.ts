/**
 * Metadata (key 3), versions 0-13.
 *
 * Behaviour
 * - brokers as the listener of the request reaches them; the controller named is any live broker, since any forwards
 * - a topic that does not exist is created when the client allows it and auto.create.topics.enable is on; this answer
 *   still says UNKNOWN_TOPIC_OR_PARTITION, and the client asks again
 *
 * Versions
 * - 0: an empty list asks for all topics; from 1 on null does
 * - 4: allow flag of auto-creation
 * - 9: flexible
 * - 10: topic ids are answered; 12: and asked for
 */

import { topicNameProblem } from '../controller/mod.ts';
import type { PartitionImage, TopicImage } from '../metadata/mod.ts';
import {
  type MetadataRequest,
  type MetadataRequestTopics,
  readMetadataRequest,
} from '../protocol/generated/metadata-request.ts';
import {
  type MetadataResponseInit,
  type MetadataResponseTopicsInit,
  type MetadataResponseTopicsPartitionsInit,
  writeMetadataResponse,
} from '../protocol/generated/metadata-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { ZERO_UUID } from '../std/mod.ts';
import { CLUSTER_OPERATIONS, NOT_ASKED, TOPIC_OPERATIONS } from './authorized-operations.ts';
import type { Broker } from './broker.ts';
import { handler } from './handler.ts';

const LISTENER_NOT_FOUND_FROM = 6;
const LOOKUP_BY_ID_FROM = 12;

export const metadata = handler<MetadataRequest, MetadataResponseInit>({
  key: 3,
  read: readMetadataRequest,
  write: writeMetadataResponse,
  handle(request, context, broker) {
    const { version } = context;
    const { listener } = context.connection;
    const { image } = broker;
    const brokers = broker.endpoints(listener);
    const wantsAll = request.topics === null || (version === 0 && request.topics.length === 0);
    const topicAuthorizedOperations = request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : NOT_ASKED;
    const toTopic = (topic: TopicImage): MetadataResponseTopicsInit => ({
      ...describeTopic(broker, topic, listener, version),
      topicAuthorizedOperations,
    });
    const topics = wantsAll
      ? [...image.topicsByName.values()].map(toTopic)
      : withoutRepeats(request.topics ?? []).map((asked) => findTopic(broker, asked, request, version, toTopic));
    return {
      throttleTimeMs: 0,
      brokers,
      clusterId: broker.clusterId,
      controllerId: brokers[0]?.nodeId ?? -1,
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : NOT_ASKED,
      ...(version === 13 ? { errorCode: ErrorCode.NONE } : {}),
    };
  },
});

/** A topic named twice is answered once. */
function withoutRepeats(topics: readonly MetadataRequestTopics[]): MetadataRequestTopics[] {
  return [...new Map(topics.map((topic) => [`${topic.topicId}/${topic.name}`, topic])).values()];
}

function findTopic(
  broker: Broker,
  asked: MetadataRequestTopics,
  request: MetadataRequest,
  version: number,
  toTopic: (topic: TopicImage) => MetadataResponseTopicsInit,
): MetadataResponseTopicsInit {
  const { name, topicId } = asked;
  if (version < LOOKUP_BY_ID_FROM && (name === null || topicId !== ZERO_UUID)) {
    return failure(name ?? '', topicId, ErrorCode.INVALID_REQUEST);
  }
  if (topicId !== ZERO_UUID) {
    const topic = broker.image.topicsById.get(topicId);
    return topic === undefined ? failure(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID) : toTopic(topic);
  }
  if (name === null) return failure(null, topicId, ErrorCode.INVALID_REQUEST);
  const topic = broker.image.topicsByName.get(name);
  if (topic !== undefined) return toTopic(topic);
  if (topicNameProblem(name) !== undefined) return failure(name, ZERO_UUID, ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (request.allowAutoTopicCreation && broker.config.boolean('auto.create.topics.enable')) broker.autoCreate(name);
  return failure(name, ZERO_UUID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
}

function failure(name: string | null, topicId: string, errorCode: number): MetadataResponseTopicsInit {
  return { errorCode, name, topicId, isInternal: false, partitions: [] };
}

function describeTopic(
  broker: Broker,
  topic: TopicImage,
  listener: string,
  version: number,
): MetadataResponseTopicsInit {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: broker.isInternalTopic(topic.name),
    partitions: topic.partitions.map((partition) => describePartition(broker, partition, listener, version)),
  };
}

function describePartition(
  broker: Broker,
  partition: PartitionImage,
  listener: string,
  version: number,
): MetadataResponseTopicsPartitionsInit {
  return {
    errorCode: leaderError(broker, partition, listener, version),
    partitionIndex: partition.partition,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.inSyncReplicas,
    offlineReplicas: offlineReplicas(broker, partition),
  };
}

export function offlineReplicas(broker: Broker, partition: PartitionImage): number[] {
  return partition.replicas.filter((id) => broker.image.brokers.get(id)?.isFenced !== false);
}

function leaderError(broker: Broker, { leader }: PartitionImage, listener: string, version: number): number {
  if (leader === -1) return ErrorCode.LEADER_NOT_AVAILABLE;
  if (broker.endpoint(leader, listener) !== undefined) return ErrorCode.NONE;
  return version >= LISTENER_NOT_FOUND_FROM ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE;
}
