/**
 * DescribeTopicPartitions (key 75), version 0: partitions of topics in pages, with eligible leader replicas (KIP-966).
 *
 * Behaviour
 * - topics sorted by name, from the cursor on; a page ends at the smaller of the request's limit and ours
 */

import { topicNameProblem } from '../controller/mod.ts';
import {
  type DescribeTopicPartitionsRequest,
  readDescribeTopicPartitionsRequest,
} from '../protocol/generated/describe-topic-partitions-request.ts';
import {
  type DescribeTopicPartitionsResponseInit,
  type DescribeTopicPartitionsResponseTopicsInit,
  writeDescribeTopicPartitionsResponse,
} from '../protocol/generated/describe-topic-partitions-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { offlineReplicas } from './03-metadata.ts';
import { TOPIC_OPERATIONS } from './authorized-operations.ts';
import { handler } from './handler.ts';

export const describeTopicPartitions = handler<DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponseInit>({
  key: 75,
  read: readDescribeTopicPartitionsRequest,
  write: writeDescribeTopicPartitionsResponse,
  handle(request, _context, broker) {
    const { cursor } = request;
    const asked = request.topics.map(({ name }) => name);
    const isLost = cursor !== null && asked.length > 0 && !asked.includes(cursor.topicName);
    if (cursor !== null && (isLost || cursor.partitionIndex < 0)) {
      const topics = asked.map((name) => ({ errorCode: ErrorCode.INVALID_REQUEST, name, partitions: [] }));
      return { topics, nextCursor: null };
    }
    const all = asked.length === 0 ? [...broker.image.topicsByName.keys()] : [...new Set(asked)];
    const names = all.sort().filter((name) => cursor === null || name >= cursor.topicName);
    const ownLimit = broker.config.number('max.request.partition.size.limit');
    let left = Math.max(1, Math.min(request.responsePartitionLimit, ownLimit));
    const topics: DescribeTopicPartitionsResponseTopicsInit[] = [];
    for (const name of names) {
      const topic = broker.image.topicsByName.get(name);
      if (topic === undefined) {
        const isLegal = topicNameProblem(name) === undefined;
        const errorCode = isLegal ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION;
        topics.push({ errorCode, name, partitions: [], topicAuthorizedOperations: TOPIC_OPERATIONS });
        continue;
      }
      if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } };
      const first = cursor?.topicName === name ? cursor.partitionIndex : 0;
      const page = topic.partitions.slice(first, first + left);
      left -= page.length;
      topics.push({
        errorCode: ErrorCode.NONE,
        name,
        topicId: topic.id,
        isInternal: broker.isInternalTopic(name),
        topicAuthorizedOperations: TOPIC_OPERATIONS,
        partitions: page.map((partition) => ({
          errorCode: partition.leader === -1 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
          partitionIndex: partition.partition,
          leaderId: partition.leader,
          leaderEpoch: partition.leaderEpoch,
          replicaNodes: partition.replicas,
          isrNodes: partition.inSyncReplicas,
          eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
          lastKnownElr: partition.lastKnownEligible,
          offlineReplicas: offlineReplicas(broker, partition),
        })),
      });
      if (first + page.length < topic.partitions.length) {
        return { topics, nextCursor: { topicName: name, partitionIndex: first + page.length } };
      }
    }
    return { topics, nextCursor: null };
  },
});
