/**
 * UnregisterBroker (key 64), version 0: forgets a broker that is gone for good. Decided by the controller.
 */
import { unregisterBroker as decide } from '../controller/mod.ts';
import {
  readUnregisterBrokerRequest,
  type UnregisterBrokerRequest,
} from '../protocol/generated/unregister-broker-request.ts';
import {
  type UnregisterBrokerResponseInit,
  writeUnregisterBrokerResponse,
} from '../protocol/generated/unregister-broker-response.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

export const unregisterBroker = handler<UnregisterBrokerRequest, UnregisterBrokerResponseInit>({
  key: 64,
  needsController: true,
  read: readUnregisterBrokerRequest,
  write: writeUnregisterBrokerResponse,
  async handle({ brokerId }, context, broker) {
    const { errorCode, errorMessage } = await submit(broker, context, (image) =>
      decide(image, brokerId, broker.keeper.rules),
    );
    return { throttleTimeMs: 0, errorCode, errorMessage };
  },
});
