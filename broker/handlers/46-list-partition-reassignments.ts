/**
 * ListPartitionReassignments (key 46), version 0: partitions that have replicas to add or remove.
 */
import {
  type ListPartitionReassignmentsRequest,
  readListPartitionReassignmentsRequest,
} from '../protocol/generated/list-partition-reassignments-request.ts';
import {
  type ListPartitionReassignmentsResponseInit,
  writeListPartitionReassignmentsResponse,
} from '../protocol/generated/list-partition-reassignments-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

export const listPartitionReassignments = handler<
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponseInit
>({
  key: 46,
  read: readListPartitionReassignmentsRequest,
  write: writeListPartitionReassignmentsResponse,
  handle(request, _context, broker) {
    const wanted = request.topics?.map(({ name }) => name) ?? [...broker.image.topicsByName.keys()];
    const topics = wanted.flatMap((name) => {
      const partitions = (broker.image.topicsByName.get(name)?.partitions ?? [])
        .filter(({ addingReplicas, removingReplicas }) => addingReplicas.length + removingReplicas.length > 0)
        .map(({ partition, replicas, addingReplicas, removingReplicas }) => ({
          partitionIndex: partition,
          replicas,
          addingReplicas,
          removingReplicas,
        }));
      return partitions.length === 0 ? [] : [{ name, partitions }];
    });
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, topics };
  },
});
