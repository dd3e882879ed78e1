/**
 * Fetch (key 1), versions 4-18.
 *
 * Behaviour
 * - answers at once when there is enough, an error, nothing to wait for or a diverging history; else parks
 * - a batch is never cut: the first batch of the first partition with data is sent whole whatever the limits say
 * (KIP-74)
 * - sessions as in KIP-227; refusing one is always legal
 * - records leave as slices of the log, held until the bytes have been sent
 * - followers fetch on the control listener, under their broker epoch (KIP-903); there each has one session, and what
 *   it asks for is what it has. Whoever calls itself a replica elsewhere leads to nothing (CVE-2018-1288)
 * - with replica.selector.class a consumer is sent to a replica in its rack, and followers serve consumers up to the
 *   high watermark that they know (KIP-392)
 *
 * Versions
 * - 5: log start offset
 * - 7: sessions
 * - 9: leader epoch of the client is checked (KIP-320)
 * - 11: rack of the client, preferred read replica
 * - 12: flexible; diverging epoch
 * - 13: topics by id
 * - 15: replica state with the broker epoch
 * - 16: endpoints of leaders that moved (KIP-951)
 */

import type { RequestContext } from '../network/mod.ts';
import { type FetchRequest, readFetchRequest } from '../protocol/generated/fetch-request.ts';
import {
  type FetchResponseInit,
  type FetchResponseResponsesInit,
  type FetchResponseResponsesPartitionsInit,
  writeFetchResponse,
} from '../protocol/generated/fetch-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { FetchContext, FetchPartition, FollowerAnswer } from '../replication/mod.ts';
import type { Broker } from './broker.ts';
import { FetchOperation, mustBeSent, type PartitionAnswer } from './fetch-operation.ts';
import { type Reply, replyingHandler } from './handler.ts';

const TOPIC_IDS_FROM = 13;
const ZSTD_FROM = 10;
const LEADER_HINT_FROM = 12;
const LEADER_ENDPOINT_FROM = 16;
const READ_REPLICA_FROM = 11;
const READ_COMMITTED = 1;
const RACK_AWARE_SELECTOR = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

export const fetch = replyingHandler<FetchRequest, FetchResponseInit>({
  key: 1,
  read: readFetchRequest,
  write: writeFetchResponse,
  handle(request, context, broker, reply) {
    const replicaId = Math.max(request.replicaId, request.replicaState.replicaId);
    if (replicaId >= 0 && context.connection.isControlListener) {
      fetchAsFollower(request, context, broker, reply);
      return;
    }
    const usesTopicIds = context.version >= TOPIC_IDS_FROM;
    const session = broker.fetchSessions.open({
      sessionId: request.sessionId,
      sessionEpoch: request.sessionEpoch,
      usesTopicIds,
      partitions: flatten(request),
      forgotten: request.forgottenTopicsData.flatMap(({ topic, topicId, partitions }) =>
        partitions.map((partition) => ({ topic, topicId, partition })),
      ),
    });
    if (session.errorCode !== ErrorCode.NONE) {
      reply.send({ errorCode: session.errorCode, sessionId: 0, responses: [] });
      return;
    }
    const operation = new FetchOperation({
      broker,
      usesTopicIds,
      partitions: session.partitions,
      limits: {
        maxWaitMs: request.maxWaitMs,
        minBytes: request.minBytes,
        maxBytes: Math.min(request.maxBytes, broker.config.number('fetch.max.bytes')),
        isForeignReplica: replicaId >= 0,
        mayReadFromFollower: context.version >= READ_REPLICA_FROM,
        clientRack: context.version >= READ_REPLICA_FROM && selectsByRack(broker) ? request.rackId : '',
        isolation: request.isolationLevel === READ_COMMITTED ? 'committed' : 'uncommitted',
      },
      done: (answers) => {
        stopWatching();
        const response = buildResponse(answers, session, broker, context);
        reply.send(response, {
          sent: () => {
            for (const answer of answers) answer.release();
          },
        });
      },
    });
    const stopWatching = broker.onDisconnect(context.connection, () => operation.cancel());
    operation.start();
  },
});

/** The fetch of another broker: what it asks for it has, and what it gets it will have. */
function fetchAsFollower(
  request: FetchRequest,
  context: RequestContext,
  broker: Broker,
  reply: Reply<FetchResponseInit>,
): void {
  const stopWatching = broker.onDisconnect(context.connection, () => cancel());
  const cancel = broker.replicas.followerSessions.fetch(
    {
      followerId: request.replicaState.replicaId,
      brokerEpoch: request.replicaState.replicaEpoch,
      sessionId: request.sessionId,
      sessionEpoch: request.sessionEpoch,
      partitions: flatten(request),
      forgotten: request.forgottenTopicsData.flatMap(({ topicId, partitions }) =>
        partitions.map((partition) => ({ topicId, partition })),
      ),
      limits: { maxWaitMs: request.maxWaitMs, minBytes: request.minBytes, maxBytes: request.maxBytes },
    },
    ({ errorCode, sessionId, answers }) => {
      stopWatching();
      reply.send(
        { errorCode, sessionId, responses: followerResponses(answers) },
        {
          sent: () => {
            for (const answer of answers) answer.release();
          },
        },
      );
    },
  );
}

function followerResponses(answers: readonly FollowerAnswer[]): FetchResponseResponsesInit[] {
  const topics = new Map<string, FetchResponseResponsesInit & { partitions: FetchResponseResponsesPartitionsInit[] }>();
  for (const answer of answers) {
    const { topicId, partition } = answer.partition;
    let topic = topics.get(topicId);
    if (topic === undefined) {
      topic = { topicId, partitions: [] };
      topics.set(topicId, topic);
    }
    topic.partitions.push({
      partitionIndex: partition,
      errorCode: answer.errorCode,
      highWatermark: answer.highWatermark,
      lastStableOffset: answer.lastStableOffset,
      logStartOffset: answer.logStartOffset,
      abortedTransactions: null,
      records: answer.records,
      ...(answer.divergingEpoch === undefined ? {} : { divergingEpoch: answer.divergingEpoch }),
    });
  }
  return [...topics.values()];
}

function selectsByRack(broker: Broker): boolean {
  return broker.config.text('replica.selector.class') === RACK_AWARE_SELECTOR;
}

function flatten(request: FetchRequest): FetchPartition[] {
  const partitions: FetchPartition[] = [];
  for (const topic of request.topics) {
    for (const partition of topic.partitions) {
      partitions.push({
        topic: topic.topic,
        topicId: topic.topicId,
        partition: partition.partition,
        fetchOffset: partition.fetchOffset,
        partitionMaxBytes: partition.partitionMaxBytes,
        // Any negative epoch means that the client knows none.
        currentLeaderEpoch: Math.max(partition.currentLeaderEpoch, -1),
        lastFetchedEpoch: partition.lastFetchedEpoch,
        logStartOffset: partition.logStartOffset,
      });
    }
  }
  return partitions;
}

function buildResponse(
  answers: readonly PartitionAnswer[],
  session: FetchContext,
  broker: Broker,
  context: RequestContext,
): FetchResponseInit {
  const topics = new Map<string, FetchResponseResponsesInit & { partitions: FetchResponseResponsesPartitionsInit[] }>();
  const leaders = new Set<number>();
  const fetched = answers.map((answer) => [answer.partition, { ...answer, mustBeSent: mustBeSent(answer) }] as const);
  for (const [partition, answer] of fetched) {
    if (!session.includes(partition, answer)) continue;
    const key = `${partition.topic}/${partition.topicId}`;
    let topic = topics.get(key);
    if (topic === undefined) {
      topic = { topic: partition.topic, topicId: partition.topicId, partitions: [] };
      topics.set(key, topic);
    }
    topic.partitions.push(toWire(answer, broker, context, leaders));
  }
  const nodeEndpoints =
    leaders.size === 0 || context.version < LEADER_ENDPOINT_FROM
      ? []
      : broker.endpoints(context.connection.listener).filter(({ nodeId }) => leaders.has(nodeId));
  return {
    errorCode: ErrorCode.NONE,
    throttleTimeMs: 0,
    sessionId: session.finish(fetched),
    responses: [...topics.values()],
    nodeEndpoints,
  };
}

function toWire(
  answer: PartitionAnswer,
  broker: Broker,
  context: RequestContext,
  leaders: Set<number>,
): FetchResponseResponsesPartitionsInit {
  const { topicName, partition } = answer;
  let { errorCode, records } = answer;
  if (topicName !== undefined && answer.sizeBytes > 0) {
    if (context.version < ZSTD_FROM && broker.topicCompression(topicName) === 'zstd') {
      errorCode = ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
      records = [];
    } else broker.telemetry.bytesOut(topicName, answer.sizeBytes);
  }
  const wire: FetchResponseResponsesPartitionsInit = {
    partitionIndex: partition.partition,
    errorCode,
    highWatermark: answer.highWatermark,
    lastStableOffset: answer.lastStableOffset,
    logStartOffset: answer.logStartOffset,
    abortedTransactions: answer.abortedTransactions,
    preferredReadReplica: answer.preferredReadReplica ?? -1,
    records,
    ...(answer.divergingEpoch === undefined ? {} : { divergingEpoch: answer.divergingEpoch }),
  };
  const isMoved = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH;
  const knowsHints = context.version >= LEADER_HINT_FROM;
  const hint =
    isMoved && knowsHints && topicName !== undefined ? broker.leaderHint(topicName, partition.partition) : undefined;
  if (hint === undefined) return wire;
  leaders.add(hint.leaderId);
  return { ...wire, currentLeader: hint };
}
