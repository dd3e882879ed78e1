/** A decision of the controller, or the error that stands for its absence. */
import type { ApiError, Decision } from '../controller/mod.ts';
import type { MetadataImage } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { BrokerError } from '../std/mod.ts';
import type { Broker } from './broker.ts';

export async function submit<Result extends readonly unknown[]>(
  broker: Broker,
  decide: (image: MetadataImage) => Decision<Result>,
): Promise<Result | ApiError> {
  try {
    return await broker.controller.submit(decide);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const errorCode = error.code === 'store.fenced' ? ErrorCode.NOT_CONTROLLER : ErrorCode.REQUEST_TIMED_OUT;
    return { errorCode, errorMessage: error.message };
  }
}
