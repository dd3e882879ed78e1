/**
 * OperatorEpoch (key 20002), version 0: a new operator takes over, and gets the epoch under which it acts. Control
 * listener only; the epoch is in the metadata log before it is answered.
 */
import { takeOperatorEpoch } from '../controller/mod.ts';
import { type OperatorEpochRequest, readOperatorEpochRequest } from '../protocol/generated/operator-epoch-request.ts';
import {
  type OperatorEpochResponseInit,
  writeOperatorEpochResponse,
} from '../protocol/generated/operator-epoch-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';
import { errorOf } from './submit.ts';

export const operatorEpoch = handler<OperatorEpochRequest, OperatorEpochResponseInit>({
  key: 20002,
  read: readOperatorEpochRequest,
  write: writeOperatorEpochResponse,
  async handle({ holder }, _context, broker) {
    try {
      const taken = await broker.controller.submit((image) => takeOperatorEpoch(image, holder));
      return { errorCode: ErrorCode.NONE, errorMessage: null, ...taken };
    } catch (error) {
      return { errorCode: errorOf(error), errorMessage: (error as Error).message, operatorEpoch: -1 };
    }
  },
});
