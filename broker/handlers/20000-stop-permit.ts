/**
 * StopPermit (key 20000), version 0: asks for the permit to stop one incarnation of a broker, or gives it back.
 *
 * Behaviour
 * - control listener only; asking again for a permit that is held grants it again
 * - refused while stopping would take a partition below min.insync.replicas; the answer names such partitions
 */
import { refuseDeposedOperator, releaseStopPermit, requestStopPermit } from '../controller/mod.ts';
import { readStopPermitRequest, type StopPermitRequest } from '../protocol/generated/stop-permit-request.ts';
import { type StopPermitResponseInit, writeStopPermitResponse } from '../protocol/generated/stop-permit-response.ts';
import { handler } from './handler.ts';
import { errorOf } from './submit.ts';

export const stopPermit = handler<StopPermitRequest, StopPermitResponseInit>({
  key: 20000,
  read: readStopPermitRequest,
  write: writeStopPermitResponse,
  async handle(request, { operatorEpoch }, broker) {
    try {
      return await broker.controller.submit((image) => {
        refuseDeposedOperator(image, operatorEpoch);
        return request.release
          ? releaseStopPermit(image, request)
          : requestStopPermit(image, request, broker.keeper.rules);
      });
    } catch (error) {
      const errorMessage = (error as Error).message;
      return { errorCode: errorOf(error), errorMessage, isGranted: false, blockingCount: 0, blocking: [] };
    }
  },
});
