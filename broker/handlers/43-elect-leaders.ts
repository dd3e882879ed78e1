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

const PREFERRED = 0;
const UNCLEAN = 1;

export const electLeaders = handler<ElectLeadersRequest, ElectLeadersResponseInit>({
  key: 43,
  needsController: true,
  read: readElectLeadersRequest,
  write: writeElectLeadersResponse,
  async handle(request, context, broker) {
    const wanted =
      request.topicPartitions?.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ) ?? null;
    if (request.electionType !== PREFERRED && request.electionType !== UNCLEAN) {
      const errorMessage = `Unknown election type ${request.electionType}: 0 is preferred, 1 is unclean`;
      const errorCode = ErrorCode.INVALID_REQUEST;
      const replicaElectionResults = (request.topicPartitions ?? []).map(({ topic, partitions }) => ({
        topic,
        partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
      }));
      return { throttleTimeMs: 0, errorCode, replicaElectionResults };
    }
    const electionType = request.electionType === PREFERRED ? 'preferred' : 'unclean';
    const elected = await submit(broker, context, (image) => decide(image, electionType, wanted, broker.keeper.rules));
    if ('errorCode' in elected) {
      return { throttleTimeMs: 0, errorCode: elected.errorCode, replicaElectionResults: [] };
    }
    const topics = new Map<string, { partitionId: number; errorCode: number; errorMessage: string | null }[]>();
    if (wanted === null) for (const name of broker.image.topicsByName.keys()) topics.set(name, []);
    for (const { topic, partition, errorCode, errorMessage } of elected) {
      const rows = topics.get(topic) ?? [];
      rows.push({ partitionId: partition, errorCode, errorMessage });
      topics.set(topic, rows);
    }
    const replicaElectionResults = [...topics].map(([topic, partitionResult]) => ({ topic, partitionResult }));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults };
  },
});
