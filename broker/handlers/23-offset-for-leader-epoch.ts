/**
 * OffsetForLeaderEpoch (key 23), versions 2-4.
 *
 * Behaviour
 * - the end offset of the largest epoch not above the one asked for (KIP-101); -1 and -1 when there is none
 * - the client's current leader epoch is checked first
 *
 * Versions
 * - 3: replica id
 * - 4: flexible
 */
import {
  type OffsetForLeaderEpochRequest,
  readOffsetForLeaderEpochRequest,
} from '../protocol/generated/offset-for-leader-epoch-request.ts';
import {
  type OffsetForLeaderEpochResponseInit,
  writeOffsetForLeaderEpochResponse,
} from '../protocol/generated/offset-for-leader-epoch-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

export const offsetForLeaderEpoch = handler<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponseInit>({
  key: 23,
  read: readOffsetForLeaderEpochRequest,
  write: writeOffsetForLeaderEpochResponse,
  handle(request, _context, broker) {
    const topics = request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => {
        const replica = broker.replicas.leaderOf(topic, partition);
        const errorCode = typeof replica === 'number' ? replica : replica.checkEpoch(currentLeaderEpoch);
        if (typeof replica === 'number' || errorCode !== ErrorCode.NONE) {
          return { partition, errorCode, leaderEpoch: -1, endOffset: -1 };
        }
        const { epoch, endOffset } = replica.endOffsetForEpoch(leaderEpoch);
        return { partition, errorCode, leaderEpoch: epoch, endOffset };
      }),
    }));
    return { throttleTimeMs: 0, topics };
  },
});
