/**
 * ListOffsets (key 2), versions 1-11.
 *
 * Behaviour
 * - -1 latest (the last stable offset for read_committed), -2 earliest, -3 the record with the largest timestamp,
 *   -4 earliest on local disk, -5 last tiered and -6 earliest not yet tiered: without tiered storage nothing is
 * - a timestamp finds the first record not older than it; no such record is offset -1 without an error
 * - a partition named twice is answered once, with INVALID_REQUEST
 * - OFFSET_NOT_AVAILABLE while a new leader does not know how far its predecessor had committed (KIP-207)
 * - a follower, on the control listener, is told the end of the log whatever is committed
 *
 * Versions
 * - 4: leader epoch checked and answered
 * - 6: flexible
 * - 7, 8, 9, 11: the special timestamps -3, -4, -5, -6; asked for in an older version: UNSUPPORTED_VERSION
 */

import { findMaxTimestamp, findOffsetForTimestamp } from '../log/mod.ts';
import {
  type ListOffsetsRequest,
  type ListOffsetsRequestTopicsPartitions,
  readListOffsetsRequest,
} from '../protocol/generated/list-offsets-request.ts';
import {
  type ListOffsetsResponseInit,
  type ListOffsetsResponseTopicsPartitionsInit,
  writeListOffsetsResponse,
} from '../protocol/generated/list-offsets-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { ReadIsolation, Replica } from '../replication/mod.ts';
import type { Broker } from './broker.ts';
import { handler } from './handler.ts';

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const EARLIEST_PENDING_UPLOAD = -6;
const FIRST_VERSION: Readonly<Record<number, number>> = {
  [MAX_TIMESTAMP]: 7,
  [EARLIEST_LOCAL]: 8,
  [LATEST_TIERED]: 9,
  [EARLIEST_PENDING_UPLOAD]: 11,
};
const READ_COMMITTED = 1;
const LEADER_EPOCH_FROM = 4;

interface Found {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

const NOT_FOUND: Found = { offset: -1, timestamp: -1, leaderEpoch: -1 };

export const listOffsets = handler<ListOffsetsRequest, ListOffsetsResponseInit>({
  key: 2,
  read: readListOffsetsRequest,
  write: writeListOffsetsResponse,
  async handle(request, context, broker) {
    const duplicates = findDuplicates(request);
    const isolation = isolationOf(request, context.connection.isControlListener);
    const topics = await Promise.all(
      request.topics.map(async (topic) => ({
        name: topic.name,
        partitions: await Promise.all(
          withoutRepeats(topic.partitions).map((asked) =>
            duplicates.has(`${topic.name}/${asked.partitionIndex}`)
              ? failure(asked, ErrorCode.INVALID_REQUEST)
              : lookUp(broker, topic.name, asked, isolation, context.version),
          ),
        ),
      })),
    );
    return { throttleTimeMs: 0, topics };
  },
});

/** A follower asks for the end of the log itself. */
function isolationOf({ replicaId, isolationLevel }: ListOffsetsRequest, isControlListener: boolean): ReadIsolation {
  if (replicaId >= 0 && isControlListener) return 'logEnd';
  return isolationLevel === READ_COMMITTED ? 'committed' : 'uncommitted';
}

function findDuplicates(request: ListOffsetsRequest): ReadonlySet<string> {
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  for (const topic of request.topics) {
    for (const { partitionIndex } of topic.partitions) {
      const key = `${topic.name}/${partitionIndex}`;
      if (seen.has(key)) duplicates.add(key);
      seen.add(key);
    }
  }
  return duplicates;
}

function withoutRepeats(
  partitions: readonly ListOffsetsRequestTopicsPartitions[],
): ListOffsetsRequestTopicsPartitions[] {
  return [...new Map(partitions.map((partition) => [partition.partitionIndex, partition])).values()];
}

async function lookUp(
  broker: Broker,
  topic: string,
  asked: ListOffsetsRequestTopicsPartitions,
  isolation: ReadIsolation,
  version: number,
): Promise<ListOffsetsResponseTopicsPartitionsInit> {
  const { timestamp } = asked;
  const firstVersion = timestamp < EARLIEST_PENDING_UPLOAD ? Number.POSITIVE_INFINITY : (FIRST_VERSION[timestamp] ?? 0);
  if (version < firstVersion) return failure(asked, ErrorCode.UNSUPPORTED_VERSION);
  const replica = broker.replicas.leaderOf(topic, asked.partitionIndex);
  if (typeof replica === 'number') return failure(asked, replica);
  const errorCode = replica.checkEpoch(asked.currentLeaderEpoch);
  if (errorCode !== ErrorCode.NONE) return failure(asked, errorCode);
  try {
    const found = await find(replica, timestamp, isolation);
    if (found === 'unknown') return failure(asked, ErrorCode.OFFSET_NOT_AVAILABLE);
    // Old versions cannot carry an epoch, and their clients know none.
    const leaderEpoch = version < LEADER_EPOCH_FROM ? -1 : found.leaderEpoch;
    return { partitionIndex: asked.partitionIndex, errorCode: ErrorCode.NONE, ...found, leaderEpoch };
  } catch (error) {
    broker.runtime.log.error({ err: error, topic, partition: asked.partitionIndex }, 'offset lookup failed');
    return failure(asked, ErrorCode.KAFKA_STORAGE_ERROR);
  }
}

async function find(replica: Replica, timestamp: number, isolation: ReadIsolation): Promise<Found | 'unknown'> {
  const end = replica.readableEnd(isolation);
  const isEndKnown = isolation === 'logEnd' || replica.isEndKnown;
  switch (timestamp) {
    case LATEST:
      return isEndKnown ? { offset: end, timestamp: -1, leaderEpoch: replica.leaderEpoch } : 'unknown';
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { offset: replica.logStartOffset, timestamp: -1, leaderEpoch: epochAt(replica, replica.logStartOffset) };
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return NOT_FOUND;
    case MAX_TIMESTAMP: {
      const found = await findMaxTimestamp(replica.log);
      return readable(found, end, isEndKnown);
    }
    default: {
      const found = await findOffsetForTimestamp(replica.log, timestamp);
      return readable(found, end, isEndKnown);
    }
  }
}

/** What lies past the readable end is not there for clients; a new leader cannot tell yet whether it is. */
function readable(found: Found | undefined, end: number, isEndKnown: boolean): Found | 'unknown' {
  if (found === undefined) return NOT_FOUND;
  if (found.offset < end) return found;
  return isEndKnown ? NOT_FOUND : 'unknown';
}

function epochAt(replica: Replica, offset: number): number {
  return replica.log.leaderEpochs.epochOf(offset);
}

function failure(
  { partitionIndex }: ListOffsetsRequestTopicsPartitions,
  errorCode: number,
): ListOffsetsResponseTopicsPartitionsInit {
  return { partitionIndex, errorCode, ...NOT_FOUND };
}
