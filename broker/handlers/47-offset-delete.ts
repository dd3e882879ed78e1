/**
 * OffsetDelete (key 47), version 0: removes committed offsets of topics that no member of the group subscribes to.
 */
import { type OffsetDeleteRequest, readOffsetDeleteRequest } from '../protocol/generated/offset-delete-request.ts';
import {
  type OffsetDeleteResponseInit,
  writeOffsetDeleteResponse,
} from '../protocol/generated/offset-delete-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

export const offsetDelete = handler<OffsetDeleteRequest, OffsetDeleteResponseInit>({
  key: 47,
  read: readOffsetDeleteRequest,
  write: writeOffsetDeleteResponse,
  async handle(request, _context, broker) {
    const partitions = request.topics.flatMap(({ name, partitions: wanted }) =>
      wanted.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex })),
    );
    const { errorCode, results } = await broker.groups.deleteOffsets(request.groupId, partitions);
    if (errorCode !== ErrorCode.NONE) return { throttleTimeMs: 0, errorCode, topics: [] };
    let next = 0;
    const topics = request.topics.map(({ name, partitions: wanted }) => ({
      name,
      partitions: wanted.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: results[next++] ?? ErrorCode.NONE,
      })),
    }));
    return { throttleTimeMs: 0, errorCode, topics };
  },
});
