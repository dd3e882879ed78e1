/**
 * OffsetFetch (key 9), versions 1-10.
 *
 * Behaviour
 * - a partition without a committed offset is answered with -1 and no error
 * - null topics means all that the group has committed
 *
 * Versions
 * - 2: an error for the whole group
 * - 5: leader epoch
 * - 6: flexible
 * - 8: many groups at once
 * - 9: member id and epoch, for groups of the consumer protocol
 * - 10: topics by id
 */
import { type OffsetFetchRequest, readOffsetFetchRequest } from '../protocol/generated/offset-fetch-request.ts';
import { type OffsetFetchResponseInit, writeOffsetFetchResponse } from '../protocol/generated/offset-fetch-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { ZERO_UUID } from '../std/mod.ts';
import type { Broker } from './broker.ts';
import { handler } from './handler.ts';

const GROUP_ERROR_FROM = 2;
const MANY_GROUPS_FROM = 8;
const TOPIC_IDS_FROM = 10;

interface WantedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitionIndexes: readonly number[];
}

interface FoundPartition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly metadata: string;
  readonly errorCode: number;
}

interface FoundTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly FoundPartition[];
}

export const offsetFetch = handler<OffsetFetchRequest, OffsetFetchResponseInit>({
  key: 9,
  read: readOffsetFetchRequest,
  write: writeOffsetFetchResponse,
  handle(request, context, broker) {
    if (context.version >= MANY_GROUPS_FROM) {
      const usesIds = context.version >= TOPIC_IDS_FROM;
      const groups = request.groups.map(({ groupId, topics }) => {
        const found = fetchGroup(broker, groupId, topics, usesIds);
        return typeof found === 'number'
          ? { groupId, topics: [], errorCode: found }
          : { groupId, topics: found, errorCode: ErrorCode.NONE };
      });
      return { throttleTimeMs: 0, groups };
    }
    const wanted = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
    const found = fetchGroup(broker, request.groupId, wanted, false);
    if (typeof found !== 'number') return { throttleTimeMs: 0, topics: found, errorCode: ErrorCode.NONE };
    if (context.version >= GROUP_ERROR_FROM) return { throttleTimeMs: 0, topics: [], errorCode: found };
    const topics = (wanted ?? []).map(({ name, topicId, partitionIndexes }) => ({
      name,
      topicId,
      partitions: partitionIndexes.map((index) => missing(index, found)),
    }));
    return { throttleTimeMs: 0, topics };
  },
});

function missing(partitionIndex: number, errorCode: number): FoundPartition {
  return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode };
}

function fetchGroup(
  broker: Broker,
  groupId: string,
  wanted: readonly WantedTopic[] | null,
  usesIds: boolean,
): FoundTopic[] | number {
  const offsets = broker.groups.fetchOffsets(groupId);
  if (typeof offsets === 'number') return offsets;
  const find = (name: string, partitionIndex: number): FoundPartition => {
    const offset = offsets.get(name)?.get(partitionIndex);
    if (offset === undefined || !broker.groups.isOfThisTopic(name, offset)) {
      return missing(partitionIndex, ErrorCode.NONE);
    }
    return {
      partitionIndex,
      committedOffset: offset.offset,
      committedLeaderEpoch: offset.leaderEpoch,
      metadata: offset.metadata,
      errorCode: ErrorCode.NONE,
    };
  };
  if (wanted === null) {
    return [...offsets].map(([name, partitions]) => ({
      name,
      topicId: broker.image.topicsByName.get(name)?.id ?? ZERO_UUID,
      partitions: [...partitions.keys()].map((index) => find(name, index)),
    }));
  }
  return wanted.map(({ name, topicId, partitionIndexes }) => {
    const known = usesIds ? broker.topicName(topicId) : name;
    return {
      name: known ?? '',
      topicId,
      partitions: partitionIndexes.map((index) =>
        known === undefined ? missing(index, ErrorCode.UNKNOWN_TOPIC_ID) : find(known, index),
      ),
    };
  });
}
