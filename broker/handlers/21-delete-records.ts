/**
 * DeleteRecords (key 21), versions 0-2.
 *
 * Behaviour
 * - moves the log start; offset -1 means the high watermark, beyond it is OFFSET_OUT_OF_RANGE
 * - is answered when every live replica has deleted them too, or with REQUEST_TIMED_OUT
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
import { waitAtMost } from './wait-at-most.ts';

export const deleteRecords = handler<DeleteRecordsRequest, DeleteRecordsResponseInit>({
  key: 21,
  read: readDeleteRecordsRequest,
  write: writeDeleteRecordsResponse,
  async handle(request, _context, broker) {
    const topics = request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map(async ({ partitionIndex, offset }) => ({
          partitionIndex,
          ...(await deleteBefore(broker, { topic: name, partition: partitionIndex, offset }, request.timeoutMs)),
        })),
      ),
    }));
    return { throttleTimeMs: 0, topics: await Promise.all(topics) };
  },
});

interface Deleted {
  readonly errorCode: number;
  readonly lowWatermark: number;
}

async function deleteBefore(
  broker: Broker,
  { topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number },
  timeoutMs: number,
): Promise<Deleted> {
  const refused = (errorCode: number): Deleted => ({ errorCode, lowWatermark: -1 });
  if (broker.isInternalTopic(topic)) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION);
  const replica = broker.replicas.leaderOf(topic, partition);
  if (typeof replica === 'number') return refused(replica);
  if (replica.log.config.cleanupCompact && !replica.log.config.cleanupDelete) {
    return refused(ErrorCode.POLICY_VIOLATION);
  }
  const { errorCode, target } = replica.deleteRecordsBefore(offset);
  if (errorCode !== ErrorCode.NONE) return refused(errorCode);
  return new Promise((resolve) => {
    waitAtMost(
      { clock: broker.runtime.clock, timeoutMs },
      (finish) => replica.awaitDeleted(target, finish),
      (outcome) => resolve({ errorCode: outcome, lowWatermark: replica.lowWatermark }),
    );
  });
}
