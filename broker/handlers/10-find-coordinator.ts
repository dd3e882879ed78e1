/**
 * FindCoordinator (key 10), versions 0-6.
 *
 * Behaviour
 * - the leader of the internal topic's partition that the key falls on; creates the topic when it is missing and
 * answers
 *   COORDINATOR_NOT_AVAILABLE meanwhile
 * - transactions and share groups are not served yet: INVALID_REQUEST for their keys
 *
 * Versions
 * - 1: key type
 * - 3: flexible
 * - 4: many keys at once
 */
import {
  type FindCoordinatorRequest,
  readFindCoordinatorRequest,
} from '../protocol/generated/find-coordinator-request.ts';
import {
  type FindCoordinatorResponseCoordinatorsInit,
  type FindCoordinatorResponseInit,
  writeFindCoordinatorResponse,
} from '../protocol/generated/find-coordinator-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type Broker, OFFSETS_TOPIC } from './broker.ts';
import { handler } from './handler.ts';

const GROUP = 0;
const MANY_KEYS_FROM = 4;

export const findCoordinator = handler<FindCoordinatorRequest, FindCoordinatorResponseInit>({
  key: 10,
  read: readFindCoordinatorRequest,
  write: writeFindCoordinatorResponse,
  handle(request, context, broker) {
    const { listener } = context.connection;
    if (context.version >= MANY_KEYS_FROM) {
      const coordinators = request.coordinatorKeys.map((key) => find(broker, key, request.keyType, listener));
      return { throttleTimeMs: 0, coordinators };
    }
    const found = find(broker, request.key, request.keyType, listener);
    return {
      throttleTimeMs: 0,
      errorCode: found.errorCode,
      errorMessage: found.errorMessage,
      nodeId: found.nodeId,
      host: found.host,
      port: found.port,
    };
  },
});

function find(
  broker: Broker,
  key: string,
  keyType: number,
  listener: string,
): Required<FindCoordinatorResponseCoordinatorsInit> {
  const failed = (errorCode: number, errorMessage: string) => ({
    key,
    nodeId: -1,
    host: '',
    port: -1,
    errorCode,
    errorMessage,
  });
  if (keyType !== GROUP) return failed(ErrorCode.INVALID_REQUEST, `Coordinators of type ${keyType} are not served.`);
  const topic = broker.image.topicsByName.get(OFFSETS_TOPIC);
  if (topic === undefined) {
    broker.autoCreate(OFFSETS_TOPIC);
    return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The coordinator is not available.');
  }
  const partition = topic.partitions[broker.groups.partitionFor(key)];
  const endpoint = partition === undefined ? undefined : broker.endpoint(partition.leader, listener);
  if (endpoint === undefined) {
    return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The coordinator is not available.');
  }
  return {
    key,
    nodeId: endpoint.nodeId,
    host: endpoint.host,
    port: endpoint.port,
    errorCode: ErrorCode.NONE,
    errorMessage: '',
  };
}
