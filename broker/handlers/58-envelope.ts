/**
 * Envelope (key 58), version 0: a client's request that another broker forwards to the active controller.
 *
 * Behaviour
 * - control listener only; NOT_CONTROLLER where this broker is not the active controller, so the sender looks again
 * - the inner request is handled under the principal and address of its client
 */
import { type EnvelopeRequest, readEnvelopeRequest } from '../protocol/generated/envelope-request.ts';
import { type EnvelopeResponseInit, writeEnvelopeResponse } from '../protocol/generated/envelope-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { unwrap, wrappedResponse } from './forwarding.ts';
import { replyingHandler } from './handler.ts';

export const envelope = replyingHandler<EnvelopeRequest, EnvelopeResponseInit>({
  key: 58,
  read: readEnvelopeRequest,
  write: writeEnvelopeResponse,
  handle(request, outer, broker, reply) {
    const refuse = (errorCode: number): void => reply.send({ responseData: null, errorCode });
    if (!broker.controller.isActive) return refuse(ErrorCode.NOT_CONTROLLER);
    const { context, body } = unwrap(request, outer);
    const inner = broker.handlerOf(context.api.key);
    if (inner?.needsController !== true) return refuse(ErrorCode.INVALID_REQUEST);
    inner.run(
      context,
      body,
      {
        send: (writeBody, options) => {
          reply.send({ responseData: wrappedResponse(context, writeBody), errorCode: ErrorCode.NONE }, options);
        },
        none: reply.none,
        close: () => refuse(ErrorCode.UNKNOWN_SERVER_ERROR),
      },
      broker,
    );
  },
});
