/**
 * DescribeProducers (key 61), version 0: the idempotent and transactional producers that a partition remembers.
 */

import { topicNameProblem } from '../controller/mod.ts';
import type { ProducerEntry } from '../log/mod.ts';
import {
  type DescribeProducersRequest,
  readDescribeProducersRequest,
} from '../protocol/generated/describe-producers-request.ts';
import {
  type DescribeProducersResponseInit,
  type DescribeProducersResponseTopicsPartitionsActiveProducersInit,
  writeDescribeProducersResponse,
} from '../protocol/generated/describe-producers-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

export const describeProducers = handler<DescribeProducersRequest, DescribeProducersResponseInit>({
  key: 61,
  read: readDescribeProducersRequest,
  write: writeDescribeProducersResponse,
  handle(request, _context, broker) {
    const topics = request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        if (topicNameProblem(name) !== undefined) {
          return { partitionIndex, errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, activeProducers: [] };
        }
        const replica = broker.replicas.leaderOf(name, partitionIndex);
        if (typeof replica === 'number') return { partitionIndex, errorCode: replica, activeProducers: [] };
        return {
          partitionIndex,
          errorCode: ErrorCode.NONE,
          activeProducers: [...replica.log.producers.all()].map(describe),
        };
      }),
    }));
    return { throttleTimeMs: 0, topics };
  },
});

function describe(producer: Readonly<ProducerEntry>): DescribeProducersResponseTopicsPartitionsActiveProducersInit {
  return {
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    lastSequence: producer.batches.at(-1)?.lastSequence ?? -1,
    lastTimestamp: producer.lastTimestamp,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.transactionFirstOffset,
  };
}
