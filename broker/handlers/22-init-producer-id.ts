/**
 * InitProducerId (key 22), versions 0-5.
 *
 * Behaviour
 * - without a transactional id: a new producer id at epoch 0, whatever id the client had before
 * - an empty transactional id is INVALID_REQUEST; transactions are not served yet: COORDINATOR_NOT_AVAILABLE
 *
 * Versions
 * - 2: flexible
 * - 3: the producer's id and epoch so far: both or neither (KIP-360)
 */
import {
  type InitProducerIdRequest,
  readInitProducerIdRequest,
} from '../protocol/generated/init-producer-id-request.ts';
import {
  type InitProducerIdResponseInit,
  writeInitProducerIdResponse,
} from '../protocol/generated/init-producer-id-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { BrokerError } from '../std/mod.ts';
import { handler } from './handler.ts';

export const initProducerId = handler<InitProducerIdRequest, InitProducerIdResponseInit>({
  key: 22,
  read: readInitProducerIdRequest,
  write: writeInitProducerIdResponse,
  async handle(request, _context, broker) {
    const refused = (errorCode: number): InitProducerIdResponseInit => ({
      errorCode,
      producerId: -1,
      producerEpoch: -1,
    });
    if ((request.producerId === -1) !== (request.producerEpoch === -1)) return refused(ErrorCode.INVALID_REQUEST);
    if (request.transactionalId === '') return refused(ErrorCode.INVALID_REQUEST);
    if (request.transactionalId !== null) return refused(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    try {
      return {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        producerId: await broker.producerIds.take(),
        producerEpoch: 0,
      };
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      return refused(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    }
  },
});
