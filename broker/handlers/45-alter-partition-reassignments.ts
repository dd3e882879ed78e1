/**
 * AlterPartitionReassignments (key 45), versions 0-1.
 *
 * Behaviour
 * - starts a move of a partition to other replicas; null replicas cancel the one that is under way
 * - each partition is judged by itself; decided by the controller
 *
 * Versions
 * - 1: the request may forbid a change of the replication factor
 */
import { alterReassignments } from '../controller/mod.ts';
import {
  type AlterPartitionReassignmentsRequest,
  readAlterPartitionReassignmentsRequest,
} from '../protocol/generated/alter-partition-reassignments-request.ts';
import {
  type AlterPartitionReassignmentsResponseInit,
  writeAlterPartitionReassignmentsResponse,
} from '../protocol/generated/alter-partition-reassignments-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

export const alterPartitionReassignments = handler<
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponseInit
>({
  key: 45,
  needsController: true,
  read: readAlterPartitionReassignmentsRequest,
  write: writeAlterPartitionReassignmentsResponse,
  async handle(request, context, broker) {
    const { allowReplicationFactorChange } = request;
    const wanted = request.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, replicas }) => ({ topic: name, partition: partitionIndex, replicas })),
    );
    const altered = await submit(broker, context, (image) =>
      alterReassignments(image, wanted, {
        rules: broker.keeper.rules,
        allowsReplicationFactorChange: allowReplicationFactorChange,
      }),
    );
    const base = { throttleTimeMs: 0, allowReplicationFactorChange };
    if ('errorCode' in altered) {
      return { ...base, errorCode: altered.errorCode, errorMessage: altered.errorMessage, responses: [] };
    }
    const topics = new Map<string, { partitionIndex: number; errorCode: number; errorMessage: string | null }[]>();
    for (const { name } of request.topics) topics.set(name, []);
    for (const { topic, partition, errorCode, errorMessage } of altered) {
      topics.get(topic)?.push({ partitionIndex: partition, errorCode, errorMessage });
    }
    const responses = [...topics].map(([name, partitions]) => ({ name, partitions }));
    return { ...base, errorCode: ErrorCode.NONE, errorMessage: null, responses };
  },
});
