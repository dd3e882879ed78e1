/** Single requests to one broker, for tests that watch the protocol closely. Newest versions unless said otherwise. */

import { defineCall, type KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { writeCreateTopicsRequest } from '../../broker/protocol/generated/create-topics-request.ts';
import { readCreateTopicsResponse } from '../../broker/protocol/generated/create-topics-response.ts';
import { writeDeleteTopicsRequest } from '../../broker/protocol/generated/delete-topics-request.ts';
import { readDeleteTopicsResponse } from '../../broker/protocol/generated/delete-topics-response.ts';
import { writeFetchRequest } from '../../broker/protocol/generated/fetch-request.ts';
import { readFetchResponse } from '../../broker/protocol/generated/fetch-response.ts';
import { writeFindCoordinatorRequest } from '../../broker/protocol/generated/find-coordinator-request.ts';
import { readFindCoordinatorResponse } from '../../broker/protocol/generated/find-coordinator-response.ts';
import { writeInitProducerIdRequest } from '../../broker/protocol/generated/init-producer-id-request.ts';
import { readInitProducerIdResponse } from '../../broker/protocol/generated/init-producer-id-response.ts';
import { writeListOffsetsRequest } from '../../broker/protocol/generated/list-offsets-request.ts';
import { readListOffsetsResponse } from '../../broker/protocol/generated/list-offsets-response.ts';
import { writeMetadataRequest } from '../../broker/protocol/generated/metadata-request.ts';
import { readMetadataResponse } from '../../broker/protocol/generated/metadata-response.ts';
import { writeOffsetCommitRequest } from '../../broker/protocol/generated/offset-commit-request.ts';
import { readOffsetCommitResponse } from '../../broker/protocol/generated/offset-commit-response.ts';
import { writeOffsetFetchRequest } from '../../broker/protocol/generated/offset-fetch-request.ts';
import { readOffsetFetchResponse } from '../../broker/protocol/generated/offset-fetch-response.ts';
import { writeProduceRequest } from '../../broker/protocol/generated/produce-request.ts';
import { readProduceResponse } from '../../broker/protocol/generated/produce-response.ts';
import {
  batchBaseOffset,
  batchIsControl,
  batchLastOffset,
  batchSizeBytes,
  ErrorCode,
  errorName,
  type KafkaRecord,
  readRecords,
} from '../../broker/protocol/mod.ts';

export const produceCall = defineCall(0, writeProduceRequest, readProduceResponse);
export const fetchCall = defineCall(1, writeFetchRequest, readFetchResponse);
export const listOffsetsCall = defineCall(2, writeListOffsetsRequest, readListOffsetsResponse);
export const metadataCall = defineCall(3, writeMetadataRequest, readMetadataResponse);
export const offsetCommitCall = defineCall(8, writeOffsetCommitRequest, readOffsetCommitResponse);
export const offsetFetchCall = defineCall(9, writeOffsetFetchRequest, readOffsetFetchResponse);
export const findCoordinatorCall = defineCall(10, writeFindCoordinatorRequest, readFindCoordinatorResponse);
export const createTopicsCall = defineCall(19, writeCreateTopicsRequest, readCreateTopicsResponse);
export const deleteTopicsCall = defineCall(20, writeDeleteTopicsRequest, readDeleteTopicsResponse);
export const initProducerIdCall = defineCall(22, writeInitProducerIdRequest, readInitProducerIdResponse);

/** The last version with topic names: these helpers need no ids. */
const PRODUCE_BY_NAME = 12;
const FETCH_BY_NAME = 12;
const EARLIEST_TIMESTAMP = -2;
const COORDINATOR_TRIES = 100;
const FETCH_BYTES = 8 * 1024 * 1024;

export async function createTopic(
  connection: KafkaConnection,
  name: string,
  numPartitions: number,
  configs: Readonly<Record<string, string>> = {},
  replicationFactor = 1,
): Promise<void> {
  const response = await connection.request(createTopicsCall, 7, {
    timeoutMs: 10_000,
    validateOnly: false,
    topics: [
      {
        name,
        numPartitions,
        replicationFactor,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
  });
  const { errorCode, errorMessage } = response.topics[0] as (typeof response.topics)[number];
  if (errorCode !== ErrorCode.NONE) throw new Error(`topic ${name}: ${errorName(errorCode)} ${errorMessage ?? ''}`);
}

export async function produce(
  connection: KafkaConnection,
  topic: string,
  partition: number,
  records: Buffer,
  acks = -1,
): Promise<{ errorCode: number; baseOffset: number }> {
  const response = await connection.request(produceCall, PRODUCE_BY_NAME, {
    transactionalId: null,
    acks,
    timeoutMs: 10_000,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  });
  const answer = response.responses[0]?.partitionResponses[0];
  if (answer === undefined) throw new Error('a produce was answered without its partition');
  return answer;
}

export async function fetchOnce(
  connection: KafkaConnection,
  topic: string,
  partition: number,
  fetchOffset: number,
  options: { maxWaitMs?: number; isolationLevel?: number; maxBytes?: number } = {},
) {
  const maxBytes = options.maxBytes ?? FETCH_BYTES;
  const response = await connection.request(fetchCall, FETCH_BY_NAME, {
    maxWaitMs: options.maxWaitMs ?? 0,
    minBytes: 1,
    maxBytes,
    isolationLevel: options.isolationLevel ?? 0,
    topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: maxBytes }] }],
  });
  const answer = response.responses[0]?.partitions[0];
  if (answer === undefined) throw new Error(`a fetch was answered without its partition: ${response.errorCode}`);
  return answer;
}

export async function earliestOffset(connection: KafkaConnection, topic: string, partition: number): Promise<number> {
  const response = await connection.request(listOffsetsCall, 6, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: EARLIEST_TIMESTAMP }] }],
  });
  return response.topics[0]?.partitions[0]?.offset ?? -1;
}

/** Every data record of a partition, from its start to its high watermark. */
export async function readAll(connection: KafkaConnection, topic: string, partition: number): Promise<KafkaRecord[]> {
  const records: KafkaRecord[] = [];
  let offset = 0;
  for (;;) {
    const answer = await fetchOnce(connection, topic, partition, offset);
    if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      const start = await earliestOffset(connection, topic, partition);
      if (offset >= start) throw new Error(`offset ${offset} is out of range, but the log starts at ${start}`);
      offset = start;
      continue;
    }
    if (answer.errorCode !== ErrorCode.NONE)
      throw new Error(`fetch ${topic}-${partition}: ${errorName(answer.errorCode)}`);
    const { records: buffer } = answer;
    let at = 0;
    while (buffer !== null && buffer.length - at > 12 && buffer.length - at >= batchSizeBytes(buffer, at)) {
      const batch = buffer.subarray(at, at + batchSizeBytes(buffer, at));
      if (!batchIsControl(batch, 0)) {
        for (const record of readRecords(batch)) if (record.offset >= offset) records.push(record);
      }
      if (batchBaseOffset(batch, 0) > batchLastOffset(batch, 0)) throw new Error('a batch ends before it starts');
      offset = batchLastOffset(batch, 0) + 1;
      at += batch.length;
    }
    if (offset >= answer.highWatermark) return records;
    if (at === 0) throw new Error(`nothing at offset ${offset} below the high watermark ${answer.highWatermark}`);
  }
}

export async function initProducerId(
  connection: KafkaConnection,
): Promise<{ producerId: number; producerEpoch: number }> {
  const response = await connection.request(initProducerIdCall, 5, {
    transactionalId: null,
    transactionTimeoutMs: 60_000,
  });
  if (response.errorCode !== ErrorCode.NONE) throw new Error(`InitProducerId: ${errorName(response.errorCode)}`);
  return response;
}

/** Commits outside a generation, as a consumer that assigns its partitions itself. */
export async function commitOffset(
  connection: KafkaConnection,
  groupId: string,
  topic: string,
  partition: number,
  committedOffset: number,
): Promise<{ errorCode: number }> {
  const response = await connection.request(offsetCommitCall, 9, {
    groupId,
    memberId: '',
    generationIdOrMemberEpoch: -1,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, committedOffset, committedMetadata: '' }] }],
  });
  const answer = response.topics[0]?.partitions[0];
  if (answer === undefined) throw new Error('a commit was answered without its partition');
  if (answer.errorCode === ErrorCode.NOT_COORDINATOR || answer.errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE) {
    await awaitCoordinator(connection, groupId);
  }
  return answer;
}

export async function fetchOffset(
  connection: KafkaConnection,
  groupId: string,
  topic: string,
  partition: number,
): Promise<number> {
  for (let tries = 0; tries < COORDINATOR_TRIES; tries++) {
    const response = await connection.request(offsetFetchCall, 8, {
      groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [partition] }] }],
      requireStable: false,
    });
    const group = response.groups[0];
    if (group?.errorCode === ErrorCode.NONE) return group.topics[0]?.partitions[0]?.committedOffset ?? -1;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the coordinator of ${groupId} did not answer`);
}

export async function awaitCoordinator(connection: KafkaConnection, groupId: string): Promise<void> {
  for (let tries = 0; tries < COORDINATOR_TRIES; tries++) {
    const response = await connection.request(findCoordinatorCall, 4, { keyType: 0, coordinatorKeys: [groupId] });
    if (response.coordinators[0]?.errorCode === ErrorCode.NONE) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no coordinator for ${groupId}`);
}

export async function deleteTopic(connection: KafkaConnection, name: string): Promise<void> {
  const response = await connection.request(deleteTopicsCall, 5, { topicNames: [name], timeoutMs: 10_000 });
  const errorCode = response.responses[0]?.errorCode ?? ErrorCode.NONE;
  if (errorCode !== ErrorCode.NONE) throw new Error(`topic ${name} cannot be deleted: ${errorName(errorCode)}`);
}
