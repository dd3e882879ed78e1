/**
 * OffsetCommit (key 8), versions 2-10.
 *
 * Behaviour
 * - errors are per partition; what is wrong with the member or the group is said of each
 * - answered when the offsets are committed to `__consumer_offsets`
 *
 * Versions
 * - 2-4: a retention of the commit's own
 * - 6: leader epoch of the record
 * - 7: static members
 * - 8: flexible
 * - 9: GROUP_ID_NOT_FOUND for a generation of an unknown group
 * - 10: topics by id
 */
import { type OffsetCommitRequest, readOffsetCommitRequest } from '../protocol/generated/offset-commit-request.ts';
import {
  type OffsetCommitResponseInit,
  writeOffsetCommitResponse,
} from '../protocol/generated/offset-commit-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { ZERO_UUID } from '../std/mod.ts';
import { handler } from './handler.ts';

const GROUP_NOT_FOUND_FROM = 9;
const TOPIC_IDS_FROM = 10;

export const offsetCommit = handler<OffsetCommitRequest, OffsetCommitResponseInit>({
  key: 8,
  read: readOffsetCommitRequest,
  write: writeOffsetCommitResponse,
  async handle(request, context, broker) {
    const usesIds = context.version >= TOPIC_IDS_FROM;
    const offsets = request.topics.flatMap(({ name, topicId, partitions }) =>
      partitions.map((partition) => ({
        topic: usesIds ? (broker.topicName(topicId) ?? '') : name,
        topicId: usesIds ? topicId : ZERO_UUID,
        partition: partition.partitionIndex,
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata,
      })),
    );
    const errors = await broker.groups.commitOffsets({
      groupId: request.groupId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      generationId: request.generationIdOrMemberEpoch,
      retentionMs: request.retentionTimeMs,
      unknownGroupError:
        context.version >= GROUP_NOT_FOUND_FROM ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION,
      offsets,
    });
    let next = 0;
    const topics = request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => {
        const isUnknownId = usesIds && broker.topicName(topicId) === undefined;
        const errorCode = errors[next++] ?? ErrorCode.UNKNOWN_SERVER_ERROR;
        const isUnknown = isUnknownId && errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        return { partitionIndex, errorCode: isUnknown ? ErrorCode.UNKNOWN_TOPIC_ID : errorCode };
      }),
    }));
    return { throttleTimeMs: 0, topics };
  },
});
