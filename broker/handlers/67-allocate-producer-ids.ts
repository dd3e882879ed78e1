/**
 * AllocateProducerIds (key 67), version 0: a block of producer ids for a broker. Control listener only; the block is in
 * the metadata log before it is handed out, so no id is ever given twice.
 */
import { allocateProducerIds as decide } from '../controller/mod.ts';
import {
  type AllocateProducerIdsRequest,
  readAllocateProducerIdsRequest,
} from '../protocol/generated/allocate-producer-ids-request.ts';
import {
  type AllocateProducerIdsResponseInit,
  writeAllocateProducerIdsResponse,
} from '../protocol/generated/allocate-producer-ids-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';
import { errorOf } from './submit.ts';

export const allocateProducerIds = handler<AllocateProducerIdsRequest, AllocateProducerIdsResponseInit>({
  key: 67,
  read: readAllocateProducerIdsRequest,
  write: writeAllocateProducerIdsResponse,
  async handle({ brokerId, brokerEpoch }, _context, broker) {
    const refused = (errorCode: number): AllocateProducerIdsResponseInit => ({
      throttleTimeMs: 0,
      errorCode,
      producerIdStart: 0,
      producerIdLen: 0,
    });
    try {
      const block = await broker.controller.submit((image) => decide(image, brokerId, brokerEpoch));
      if ('errorCode' in block) return refused(block.errorCode);
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerIdStart: block.first, producerIdLen: block.count };
    } catch (error) {
      return refused(errorOf(error));
    }
  },
});
