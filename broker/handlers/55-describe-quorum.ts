/**
 * DescribeQuorum (key 55), versions 0-2.
 *
 * Behaviour
 * - answers for `__cluster_metadata` partition 0 what tools want to see of a metadata quorum: the active controller as
 *   leader and sole voter, for the log itself is kept by the coordination store
 * - any other partition: UNKNOWN_TOPIC_OR_PARTITION
 *
 * Versions
 * - 1: fetch times
 * - 2: directory ids and nodes (KIP-853)
 */
import {
  type DescribeQuorumRequest,
  readDescribeQuorumRequest,
} from '../protocol/generated/describe-quorum-request.ts';
import {
  type DescribeQuorumResponseInit,
  writeDescribeQuorumResponse,
} from '../protocol/generated/describe-quorum-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

const METADATA_TOPIC = '__cluster_metadata';
const NODES_FROM = 2;

export const describeQuorum = handler<DescribeQuorumRequest, DescribeQuorumResponseInit>({
  key: 55,
  read: readDescribeQuorumRequest,
  write: writeDescribeQuorumResponse,
  handle(request, context, broker) {
    const { image } = broker;
    const nowMs = broker.runtime.clock.nowMs();
    const asReplica = (replicaId: number) => ({
      replicaId,
      logEndOffset: image.nextOffset,
      lastFetchTimestamp: nowMs,
      lastCaughtUpTimestamp: nowMs,
    });
    const topics = request.topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => {
        if (topicName !== METADATA_TOPIC || partitionIndex !== 0) {
          return {
            partitionIndex,
            errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            leaderId: 0,
            leaderEpoch: 0,
            highWatermark: 0,
            currentVoters: [],
            observers: [],
          };
        }
        const others = [...image.brokers.keys()].filter((id) => id !== image.controllerId);
        return {
          partitionIndex,
          errorCode: ErrorCode.NONE,
          leaderId: image.controllerId,
          leaderEpoch: image.controllerEpoch,
          highWatermark: image.nextOffset,
          currentVoters: [asReplica(image.controllerId)],
          observers: others.map(asReplica),
        };
      }),
    }));
    const controller = broker.endpoint(image.controllerId, context.connection.listener);
    const nodes =
      controller === undefined
        ? []
        : [
            {
              nodeId: controller.nodeId,
              listeners: [{ name: context.connection.listener, host: controller.host, port: controller.port }],
            },
          ];
    return { errorCode: ErrorCode.NONE, topics, ...(context.version >= NODES_FROM ? { nodes } : {}) };
  },
});
