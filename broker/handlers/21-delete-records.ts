/**
 * DeleteRecords (key 21), versions 0-2.
 *
 * Behaviour
 * - moves the log start; offset -1 means the high watermark, beyond it is OFFSET_OUT_OF_RANGE
 * - a topic that is only compacted, or internal, may not be cut: POLICY_VIOLATION, INVALID_TOPIC_EXCEPTION
 *
 * Versions
 * - 2: flexible
 */
import { type DeleteRecordsRequest, readDeleteRecordsRequest } from '../protocol/generated/delete-records-request.ts';
import {
  type DeleteRecordsResponseInit,
  writeDeleteRecordsResponse,
} from '../protocol/generated/delete-records-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import type { Broker } from './broker.ts';
import { handler } from './handler.ts';

export const deleteRecords = handler<DeleteRecordsRequest, DeleteRecordsResponseInit>({
  key: 21,
  read: readDeleteRecordsRequest,
  write: writeDeleteRecordsResponse,
  handle(request, _context, broker) {
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => ({
        partitionIndex,
        ...deleteBefore(broker, name, partitionIndex, offset),
      })),
    }));
    return { throttleTimeMs: 0, topics };
  },
});

function deleteBefore(
  broker: Broker,
  topic: string,
  partition: number,
  offset: number,
): { errorCode: number; lowWatermark: number } {
  const refused = (errorCode: number): { errorCode: number; lowWatermark: number } => ({ errorCode, lowWatermark: -1 });
  if (broker.isInternalTopic(topic)) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION);
  const replica = broker.replicas.leaderOf(topic, partition);
  if (typeof replica === 'number') return refused(replica);
  if (replica.log.config.cleanupCompact && !replica.log.config.cleanupDelete) {
    return refused(ErrorCode.POLICY_VIOLATION);
  }
  return replica.deleteRecordsBefore(offset);
}
