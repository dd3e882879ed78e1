/**
 * AlterPartition (key 56), versions 2-3.
 *
 * Behaviour
 * - control listener only; a leader proposes in-sync sets, and each is judged by itself
 * - the answer shows the partition as it is once the change is in the metadata log
 *
 * Versions
 * - 3: the broker epoch of each member (KIP-903)
 */
import type { InSyncAnswer } from '../controller/mod.ts';
import {
  type AlterPartitionRequest,
  readAlterPartitionRequest,
} from '../protocol/generated/alter-partition-request.ts';
import {
  type AlterPartitionResponseInit,
  type AlterPartitionResponseTopicsPartitionsInit,
  writeAlterPartitionResponse,
} from '../protocol/generated/alter-partition-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';
import { errorOf } from './submit.ts';

const EPOCHS_FROM = 3;
const RECOVERING = 1;

export const alterPartition = handler<AlterPartitionRequest, AlterPartitionResponseInit>({
  key: 56,
  read: readAlterPartitionRequest,
  write: writeAlterPartitionResponse,
  async handle(request, context, broker) {
    const { brokerId, brokerEpoch } = request;
    if (!broker.peerConnections.isNewest(context.connection, brokerId)) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.NOT_CONTROLLER, topics: [] };
    }
    const proposals = request.topics.flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => ({
        topicId,
        partition: partition.partitionIndex,
        leaderEpoch: partition.leaderEpoch,
        partitionEpoch: partition.partitionEpoch,
        inSyncReplicas:
          context.version >= EPOCHS_FROM
            ? partition.newIsrWithEpochs
            : partition.newIsr.map((id) => ({ brokerId: id, brokerEpoch: -1 })),
        isRecovering: partition.leaderRecoveryState === RECOVERING,
      })),
    );
    try {
      const { errorCode, answers } = await broker.keeper.alterPartitions({ brokerId, brokerEpoch, proposals });
      return { throttleTimeMs: 0, errorCode, topics: byTopic(answers) };
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: errorOf(error), topics: [] };
    }
  },
});

function byTopic(answers: readonly InSyncAnswer[]): AlterPartitionResponseInit['topics'] {
  const topics = new Map<string, AlterPartitionResponseTopicsPartitionsInit[]>();
  for (const { topicId, partition, errorCode, state } of answers) {
    const rows = topics.get(topicId) ?? [];
    topics.set(topicId, rows);
    if (errorCode !== ErrorCode.NONE || state === undefined) {
      rows.push({ partitionIndex: partition, errorCode, leaderId: 0, leaderEpoch: 0, isr: [], partitionEpoch: 0 });
      continue;
    }
    rows.push({
      partitionIndex: partition,
      errorCode,
      leaderId: state.leader,
      leaderEpoch: state.leaderEpoch,
      isr: [...state.inSyncReplicas],
      leaderRecoveryState: state.isRecovering ? RECOVERING : 0,
      partitionEpoch: state.partitionEpoch,
    });
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }));
}
