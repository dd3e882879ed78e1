/**
 * ElectLeaders (key 43), versions 0-2.
 *
 * Behaviour
 * - null topics means all partitions, and then those that need no election are left out of the answer
 *
 * Versions
 * - 1: election type: preferred or unclean
 * - 2: flexible
 */
import { electLeaders as decide } from '../controller/mod.ts';
import { type ElectLeadersRequest, readElectLeadersRequest } from '../protocol/generated/elect-leaders-request.ts';
import {
  type ElectLeadersResponseInit,
  writeElectLeadersResponse,
} from '../protocol/generated/elect-leaders-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

export const electLeaders = handler<ElectLeadersRequest, ElectLeadersResponseInit>({
  key: 43,
  read: readElectLeadersRequest,
  write: writeElectLeadersResponse,
  async handle(request, _context, broker) {
    const wanted =
      request.topicPartitions?.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ) ?? null;
    const elected = await submit(broker, (image) => decide(image, request.electionType, wanted));
    if ('errorCode' in elected) {
      return { throttleTimeMs: 0, errorCode: elected.errorCode, replicaElectionResults: [] };
    }
    const topics = new Map<string, { partitionId: number; errorCode: number; errorMessage: string | null }[]>();
    for (const { topic, partition, errorCode, errorMessage } of elected) {
      const rows = topics.get(topic) ?? [];
      rows.push({ partitionId: partition, errorCode, errorMessage });
      topics.set(topic, rows);
    }
    const replicaElectionResults = [...topics].map(([topic, partitionResult]) => ({ topic, partitionResult }));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults };
  },
});
