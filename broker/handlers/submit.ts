/** A decision of the controller, or the error that stands for its absence. */
import { type ApiError, type Decision, refuseDeposedOperator } from '../controller/mod.ts';
import type { MetadataImage, MetadataRecord } from '../metadata/mod.ts';
import type { RequestContext } from '../network/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { BrokerError } from '../std/mod.ts';
import type { Broker } from './broker.ts';

/** What a decision writes is preceded by who asked for it, so that a change can be told to its author. */
export async function submit<Result>(
  broker: Broker,
  context: RequestContext,
  decide: (image: MetadataImage) => Decision<Result>,
): Promise<Result | ApiError> {
  const { connection, clientId, api } = context;
  const origin = (recordCount: number): MetadataRecord => ({
    kind: 'ChangeOrigin',
    recordCount,
    principal: connection.principal,
    host: connection.clientAddress,
    clientId,
    requestApiKey: api.key,
  });
  try {
    return await broker.controller.submit((image) => {
      refuseDeposedOperator(image, context.operatorEpoch);
      const decision = decide(image);
      return decision.records.length === 0
        ? decision
        : { ...decision, records: [origin(decision.records.length), ...decision.records] };
    }, 'admin');
  } catch (error) {
    return { errorCode: errorOf(error), errorMessage: (error as Error).message };
  }
}

/**
 * What a controller that is deposed, or whose store is away, answers; what an operator hears whose term is over, and
 * who asks for more than one change may be.
 * Anything else is a bug, and is thrown on.
 */
export function errorOf(error: unknown): number {
  if (!(error instanceof BrokerError)) throw error;
  if (error.code === 'operator.deposed') return ErrorCode.STALE_CONTROLLER_EPOCH;
  if (error.code === 'store.tooLarge') return ErrorCode.POLICY_VIOLATION;
  return error.code === 'store.fenced' ? ErrorCode.NOT_CONTROLLER : ErrorCode.REQUEST_TIMED_OUT;
}
