/**
 * Produce (key 0), versions 3-13.
 *
 * Behaviour
 * - errors are per partition; acks other than -1, 0 and 1 fail all of them with INVALID_REQUIRED_ACKS
 * - acks=0 gets no response; an error then closes the connection, the only sign that can be given
 * - acks=-1 is answered when the high watermark has passed the batch, without polling
 * - records are copied into the log during the call and never decoded here
 *
 * Versions
 * - 7: zstd is allowed
 * - 8: record errors and an error message per partition (KIP-467)
 * - 9: flexible
 * - 10: current leader and its endpoint on NOT_LEADER_OR_FOLLOWER (KIP-951)
 * - 13: topics by id
 */

import type { RequestContext } from '../network/mod.ts';
import {
  type ProduceRequest,
  type ProduceRequestTopicDataPartitionData,
  readProduceRequest,
} from '../protocol/generated/produce-request.ts';
import {
  type ProduceResponseInit,
  type ProduceResponseResponsesInit,
  type ProduceResponseResponsesPartitionResponsesInit,
  writeProduceResponse,
} from '../protocol/generated/produce-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Replica } from '../replication/mod.ts';
import type { Broker } from './broker.ts';
import { replyingHandler } from './handler.ts';
import { isTransactional, singleBatch } from './produce-request.ts';
import { waitAtMost } from './wait-at-most.ts';

const LEADER_HINT_FROM = 10;
const TOPIC_IDS_FROM = 13;
/** The one client that may write to internal topics: Kafka's own tools use this client id for it. */
const ADMIN_CLIENT_ID = '__admin_client';

/** Kafka tells the log start beside an error only when it looked into the records. */
const WITHOUT_LOG_START: ReadonlySet<number> = new Set([
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
]);

type PartitionAnswer = ProduceResponseResponsesPartitionResponsesInit;

export const produce = replyingHandler<ProduceRequest, ProduceResponseInit>({
  key: 0,
  read: readProduceRequest,
  write: writeProduceResponse,
  handle(request, context, broker, reply) {
    const { acks } = request;
    const responses: ProduceResponseResponsesInit[] = [];
    let pending = 1;
    let hasFailed = false;
    const isUnauthorized =
      request.transactionalId === null &&
      request.topicData.some(({ partitionData }) => partitionData.some(({ records }) => isTransactional(records)));

    const finishOne = (): void => {
      pending--;
      if (pending > 0) return;
      if (acks !== 0) reply.send(buildResponse(responses, broker, context));
      else if (hasFailed) reply.close('a produce with acks=0 failed');
      else reply.none();
    };

    for (const topic of request.topicData) {
      const name = context.version >= TOPIC_IDS_FROM ? broker.topicName(topic.topicId) : topic.name;
      const partitionResponses: PartitionAnswer[] = [];
      responses.push({ name: name ?? '', topicId: topic.topicId, partitionResponses });
      for (const data of topic.partitionData) {
        const slot = partitionResponses.push(failure(data.index, ErrorCode.UNKNOWN_SERVER_ERROR)) - 1;
        pending++;
        producePartition({ name, data, acks, request, context, broker, isUnauthorized }, (answer) => {
          partitionResponses[slot] = answer;
          if (answer.errorCode !== ErrorCode.NONE) hasFailed = true;
          finishOne();
        });
      }
    }
    finishOne();
  },
});

function producePartition(
  options: {
    readonly name: string | undefined;
    readonly data: ProduceRequestTopicDataPartitionData;
    readonly acks: number;
    readonly request: ProduceRequest;
    readonly context: RequestContext;
    readonly broker: Broker;
    /** Whether the request writes to a transaction that it does not name. */
    readonly isUnauthorized: boolean;
  },
  done: (answer: PartitionAnswer) => void,
): void {
  const { name, data, acks, context, broker } = options;
  const { index } = data;
  if (options.isUnauthorized) return done(failure(index, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED));
  if (acks < -1 || acks > 1) return done(failure(index, ErrorCode.INVALID_REQUIRED_ACKS));
  if (name === undefined) return done(failure(index, ErrorCode.UNKNOWN_TOPIC_ID));
  if (broker.isInternalTopic(name) && context.clientId !== ADMIN_CLIENT_ID) {
    return done(failure(index, ErrorCode.INVALID_TOPIC_EXCEPTION, `Cannot append to internal topic ${name}`));
  }
  const found = broker.replicas.leaderOf(name, index);
  if (typeof found === 'number') return done(failure(index, found));
  const replica = found;
  const batch = singleBatch(data.records, context.version);
  if (!Buffer.isBuffer(batch)) return done(failure(index, batch.errorCode, batch.message));
  const sizeBytes = batch.length;
  replica.append(batch, { origin: 'client', requiredAcks: acks, produceVersion: context.version }, (result) => {
    if (result.errorCode !== ErrorCode.NONE) {
      broker.telemetry.produceFailed(name);
      done({
        ...failure(index, result.errorCode, result.errorMessage ?? null),
        recordErrors: (result.recordErrors ?? []).map(({ batchIndex, message }) => ({
          batchIndex,
          batchIndexErrorMessage: message,
        })),
        logStartOffset: WITHOUT_LOG_START.has(result.errorCode) ? -1 : result.logStartOffset,
      });
      return;
    }
    broker.telemetry.bytesIn(name, sizeBytes, result.lastOffset - result.baseOffset + 1);
    const answer: PartitionAnswer = {
      index,
      errorCode: ErrorCode.NONE,
      baseOffset: result.baseOffset,
      logAppendTimeMs: result.logAppendTimeMs,
      logStartOffset: result.logStartOffset,
    };
    if (acks === -1) awaitCommit(options, replica, result.lastOffset, answer, done);
    else done(answer);
  });
}

/**
 * Answers when the batch is committed, when leadership is lost, when the in-sync set has become smaller than
 * min.insync.replicas, or when the request's time is up.
 */
function awaitCommit(
  options: { readonly request: ProduceRequest; readonly broker: Broker },
  replica: Replica,
  lastOffset: number,
  answer: PartitionAnswer,
  done: (answer: PartitionAnswer) => void,
): void {
  const { clock } = options.broker.runtime;
  waitAtMost(
    { clock, timeoutMs: options.request.timeoutMs },
    (finish) => replica.awaitCommitted(lastOffset + 1, finish, { needsMinInSync: true }),
    (errorCode) => done(errorCode === ErrorCode.NONE ? answer : failure(answer.index, errorCode)),
  );
}

function failure(index: number, errorCode: number, errorMessage: string | null = null): PartitionAnswer {
  return { index, errorCode, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, recordErrors: [], errorMessage };
}

/** Where the leader is, for clients that just learned it is not here (KIP-951). */
function buildResponse(
  responses: readonly ProduceResponseResponsesInit[],
  broker: Broker,
  context: RequestContext,
): ProduceResponseInit {
  if (context.version < LEADER_HINT_FROM) return { responses, throttleTimeMs: 0 };
  const leaders = new Set<number>();
  const hinted = responses.map((topic) => ({
    ...topic,
    partitionResponses: topic.partitionResponses.map((answer) => {
      if (answer.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) return answer;
      const hint = broker.leaderHint(topic.name ?? '', answer.index);
      if (hint === undefined) return answer;
      leaders.add(hint.leaderId);
      return { ...answer, currentLeader: hint };
    }),
  }));
  if (leaders.size === 0) return { responses, throttleTimeMs: 0 };
  const nodeEndpoints = broker.endpoints(context.connection.listener).filter(({ nodeId }) => leaders.has(nodeId));
  return { responses: hinted, throttleTimeMs: 0, nodeEndpoints };
}
