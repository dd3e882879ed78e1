/**
 * What clients do while the cluster is shaken, besides consuming in groups: produce with and without idempotence, read
 * along, commit offsets, and change topics. Each loops until it is told to stop; every value is unique, and what no
 * answer came for is unknown.
 */
import { defineCall } from '../../broker/protocol/connection/mod.ts';
import * as reassignRequest from '../../broker/protocol/generated/alter-partition-reassignments-request.ts';
import * as reassignResponse from '../../broker/protocol/generated/alter-partition-reassignments-response.ts';
import { writeElectLeadersRequest } from '../../broker/protocol/generated/elect-leaders-request.ts';
import { readElectLeadersResponse } from '../../broker/protocol/generated/elect-leaders-response.ts';
import * as configsRequest from '../../broker/protocol/generated/incremental-alter-configs-request.ts';
import * as configsResponse from '../../broker/protocol/generated/incremental-alter-configs-response.ts';
import {
  batchIsControl,
  batchLastOffset,
  batchSizeBytes,
  buildBatch,
  ErrorCode,
  errorName,
  readRecords,
} from '../../broker/protocol/mod.ts';
import type { SeededRandom } from '../../broker/std/sim/prng.ts';
import * as calls from '../support/calls.ts';
import type { History } from './history.ts';
import type { Leader, SimClient } from './sim-client.ts';

const reassignCall = defineCall(
  45,
  reassignRequest.writeAlterPartitionReassignmentsRequest,
  reassignResponse.readAlterPartitionReassignmentsResponse,
);
const alterConfigsCall = defineCall(
  44,
  configsRequest.writeIncrementalAlterConfigsRequest,
  configsResponse.readIncrementalAlterConfigsResponse,
);
export const electLeadersCall = defineCall(43, writeElectLeadersRequest, readElectLeadersResponse);
const PRODUCE_BY_NAME = 12;
const FETCH_BY_NAME = 12;
const TIMESTAMP = 1_700_000_000_000;
const RETRY_MS = 50;

export interface Stop {
  isStopped: boolean;
}

/** Errors after which asking again, perhaps somebody else, is right. */
const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
]);

/** Sends one batch after the other to one partition. An idempotent producer repeats a batch until it is answered. */
export async function runProducer(options: {
  readonly client: SimClient;
  readonly history: History;
  readonly random: SeededRandom;
  readonly topic: string;
  readonly partition: number;
  readonly isIdempotent: boolean;
  readonly stop: Stop;
}): Promise<void> {
  const { client, history, random, topic, partition, isIdempotent, stop } = options;
  let life = 0;
  let counter = 0;
  let sequence = 0;
  let identity: { producerId: number; producerEpoch: number } | undefined;
  let pending: { readonly values: readonly string[]; readonly batch: Buffer } | undefined;
  while (!stop.isStopped) {
    const name = `${isIdempotent ? 'i' : 'p'}${client.name}.${life}`;
    if (isIdempotent && identity === undefined) {
      identity = await newProducer(client);
      sequence = 0;
      if (identity === undefined) {
        await client.pause(RETRY_MS);
        continue;
      }
    }
    if (pending === undefined) {
      const values = Array.from({ length: 1 + random.below(4) }, () => `${name}:${counter++}`);
      const records = values.map((value) => ({ timestamp: TIMESTAMP, key: null, value: Buffer.from(value) }));
      const batch = buildBatch({ records, ...(identity === undefined ? {} : { ...identity, baseSequence: sequence }) });
      pending = { values, batch };
    }
    const answer = await sendBatch(client, topic, partition, pending.batch);
    if (answer === undefined || RETRIABLE.has(answer.errorCode)) {
      client.forgetLeaders(topic);
      history.count('produce retries');
      // Without idempotence what was sent may be there; sending it again would be another record.
      if (!isIdempotent && (answer === undefined || answer.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER)) {
        pending = undefined;
      }
      await client.pause(RETRY_MS + random.below(100));
      continue;
    }
    const { values } = pending;
    pending = undefined;
    if (answer.errorCode === ErrorCode.NONE) {
      values.forEach((value, index) => {
        const offset = answer.baseOffset + index;
        history.acknowledge(answer.leaderEpoch, topic, partition, { producer: name, value, offset });
      });
      sequence += values.length;
      await client.pause(random.below(60));
      continue;
    }
    const isLossExpected = history.mayHaveLost(topic, partition);
    if (!isLossExpected) {
      history.violation(`${topic}-${partition}: ${name} got ${errorName(answer.errorCode)} for ${values[0]}`);
    }
    life += 1;
    identity = undefined;
  }
}

async function newProducer(client: SimClient): Promise<{ producerId: number; producerEpoch: number } | undefined> {
  try {
    const answer = await client.ask(client.anyPort(), calls.initProducerIdCall, 5, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    });
    const { producerId, producerEpoch, errorCode } = answer;
    return errorCode === ErrorCode.NONE ? { producerId, producerEpoch } : undefined;
  } catch {
    return undefined;
  }
}

async function sendBatch(
  client: SimClient,
  topic: string,
  partition: number,
  batch: Buffer,
): Promise<{ errorCode: number; baseOffset: number; leaderEpoch: number } | undefined> {
  const leader = await client.leaderOf(topic, partition);
  if (leader === undefined) return undefined;
  try {
    const response = await client.ask(leader.port, calls.produceCall, PRODUCE_BY_NAME, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 2000,
      topicData: [{ name: topic, partitionData: [{ index: partition, records: batch }] }],
    });
    const answer = response.responses[0]?.partitionResponses[0];
    return answer && { ...answer, leaderEpoch: leader.leaderEpoch };
  } catch {
    return undefined;
  }
}

/** Follows one partition from its start. What it has read once must stay what it was. */
export async function runReader(options: {
  readonly client: SimClient;
  readonly history: History;
  readonly topic: string;
  readonly partition: number;
  readonly stop: Stop;
}): Promise<void> {
  const { client, history, topic, partition, stop } = options;
  let offset = 0;
  while (!stop.isStopped) {
    const leader = await client.leaderOf(topic, partition);
    const answer = leader === undefined ? undefined : await fetchAt(client, leader, topic, partition, offset);
    if (answer === undefined || (answer.errorCode !== ErrorCode.NONE && RETRIABLE.has(answer.errorCode))) {
      client.forgetLeaders(topic);
      await client.pause(RETRY_MS);
      continue;
    }
    if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      if (!history.mayHaveLost(topic, partition)) {
        history.violation(`${topic}-${partition}: offset ${offset} was readable, and is out of range`);
      }
      offset = 0;
      await client.pause(RETRY_MS);
      continue;
    }
    for (const record of recordsOf(answer.records)) {
      if (record.offset < offset) continue;
      history.seeUnder(leader?.leaderEpoch ?? 0, topic, partition, record.offset, record.value);
      offset = record.offset + 1;
      history.count('read');
    }
    await client.pause(20);
  }
}

export async function fetchAt(
  client: SimClient,
  { port, leaderEpoch: currentLeaderEpoch }: Leader,
  topic: string,
  partition: number,
  fetchOffset: number,
) {
  try {
    const response = await client.ask(port, calls.fetchCall, FETCH_BY_NAME, {
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel: 0,
      topics: [{ topic, partitions: [{ partition, fetchOffset, currentLeaderEpoch, partitionMaxBytes: 1_000_000 }] }],
    });
    return response.responses[0]?.partitions[0];
  } catch {
    return undefined;
  }
}

export function recordsOf(buffer: Buffer | null): { offset: number; value: string }[] {
  const found: { offset: number; value: string }[] = [];
  let at = 0;
  while (buffer !== null && buffer.length - at > 12 && buffer.length - at >= batchSizeBytes(buffer, at)) {
    const batch = buffer.subarray(at, at + batchSizeBytes(buffer, at));
    at += batch.length;
    if (batchIsControl(batch, 0)) continue;
    for (const { offset, value } of readRecords(batch)) found.push({ offset, value: value?.toString() ?? '' });
    if (batchLastOffset(batch, 0) < 0) break;
  }
  return found;
}

/**
 * Commits growing offsets, and reads them back: what was acknowledged may never be less afterwards. What a coordinator
 * says that was deposed without knowing it does not count: as in Kafka, nothing in a request to it could tell.
 */
export async function runCommitter(options: {
  readonly client: SimClient;
  readonly history: History;
  readonly groupId: string;
  readonly topic: string;
  /** Whether the broker at that port is the coordinator of the group, as the metadata says. */
  readonly isCoordinator: (port: number) => boolean;
  readonly stop: Stop;
}): Promise<void> {
  const { client, history, groupId, topic, isCoordinator, stop } = options;
  let attempted = 0;
  let acknowledged = -1;
  while (!stop.isStopped) {
    const port = await coordinatorPort(client, groupId);
    if (port === undefined) {
      await client.pause(100);
      continue;
    }
    try {
      attempted += 1;
      const response = await client.ask(port, calls.offsetCommitCall, 9, {
        groupId,
        memberId: '',
        generationIdOrMemberEpoch: -1,
        topics: [
          { name: topic, partitions: [{ partitionIndex: 0, committedOffset: attempted, committedMetadata: '' }] },
        ],
      });
      if (response.topics[0]?.partitions[0]?.errorCode === ErrorCode.NONE) {
        acknowledged = attempted;
        history.count('commits');
      }
      const counts = isCoordinator(port);
      const fetched = await client.ask(port, calls.offsetFetchCall, 8, {
        groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }],
        requireStable: false,
      });
      const group = fetched.groups[0];
      if (group?.errorCode === ErrorCode.NONE) {
        const offset = group.topics[0]?.partitions[0]?.committedOffset ?? -1;
        if (!counts) history.count('reads of deposed coordinators');
        else if (offset < acknowledged || offset > attempted) {
          const isLossExpected =
            history.mayHaveLost('__consumer_offsets', 0) || history.mayHaveLost('__consumer_offsets', 1);
          if (!isLossExpected) {
            history.violation(
              `${groupId}: committed ${acknowledged}, tried ${attempted}, and read ${offset} from ${port}`,
            );
          }
          acknowledged = offset;
        }
      }
    } catch {
      // No answer: the commit may be there or not.
    }
    await client.pause(150);
  }
}

export async function coordinatorPort(client: SimClient, groupId: string): Promise<number | undefined> {
  try {
    const response = await client.ask(client.anyPort(), calls.findCoordinatorCall, 4, {
      keyType: 0,
      coordinatorKeys: [groupId],
    });
    const [found] = response.coordinators;
    return found?.errorCode === ErrorCode.NONE ? found.port : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Creates and deletes topics, moves replicas, changes minimums, and asks for elections; whether each succeeds is not
 * its affair.
 */
export async function runAdmin(options: {
  readonly client: SimClient;
  readonly history: History;
  readonly random: SeededRandom;
  readonly brokers: number;
  readonly topics: readonly { readonly name: string; readonly partitions: number }[];
  readonly stop: Stop;
}): Promise<void> {
  const { client, history, random, brokers, topics, stop } = options;
  let created = 0;
  while (!stop.isStopped) {
    await client.pause(200 + random.below(600));
    const port = client.anyPort();
    const topic = random.pick(topics);
    const partition = random.below(topic.partitions);
    try {
      switch (random.below(5)) {
        case 0: {
          const name = `extra-${created++}`;
          const answer = await client.ask(port, calls.createTopicsCall, 7, {
            timeoutMs: 5000,
            validateOnly: false,
            topics: [{ name, numPartitions: 2, replicationFactor: 3, assignments: [], configs: [] }],
          });
          if (answer.topics[0]?.errorCode === ErrorCode.NONE) history.topicCreated(name);
          break;
        }
        case 1: {
          const name = `extra-${random.below(created + 1)}`;
          history.topicDeleting(name);
          await client.ask(port, calls.deleteTopicsCall, 5, { topicNames: [name], timeoutMs: 5000 });
          break;
        }
        case 2: {
          const ids = Array.from({ length: brokers }, (_, at) => at + 1);
          const replicas = random.chance(0.15) ? null : random.shuffle(ids).slice(0, 3);
          await client.ask(port, reassignCall, 0, {
            timeoutMs: 5000,
            topics: [{ name: topic.name, partitions: [{ partitionIndex: partition, replicas }] }],
          });
          break;
        }
        case 3: {
          const resources = [newMinimum(random, topic.name)];
          await client.ask(port, alterConfigsCall, 1, { validateOnly: false, resources });
          break;
        }
        default:
          await client.ask(port, electLeadersCall, 2, { electionType: 0, topicPartitions: null, timeoutMs: 5000 });
      }
      history.count('admin requests');
    } catch {
      // No answer: it may have been done or not.
    }
  }
}

/** Another min.insync.replicas for a topic, its own or that of the cluster again, or for all that have none. */
function newMinimum(random: SeededRandom, topic: string) {
  const isOfTopic = random.chance(0.7);
  const value = isOfTopic && random.chance(0.3) ? null : String(1 + random.below(3));
  const configs = [{ name: 'min.insync.replicas', configOperation: value === null ? 1 : 0, value }];
  return { resourceType: isOfTopic ? 2 : 4, resourceName: isOfTopic ? topic : '', configs };
}
