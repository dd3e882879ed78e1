/**
 * BrokerRegistration (key 62), versions 0-4.
 *
 * Behaviour
 * - control listener only; answers when the registration is in the metadata log, whose offset is the broker's epoch
 * - an unclean restart leaves every in-sync set before the broker is registered (KIP-966)
 * - NOT_CONTROLLER for one that has read more of the metadata log than the store holds, or something else: then the
 *   store was put back to an earlier time, and this controller stands down
 * - INCONSISTENT_CLUSTER_ID for a broker of another cluster, DUPLICATE_BROKER_REGISTRATION for an id that is alive
 * - UNSUPPORTED_VERSION for a broker that does not know a level of a feature that the cluster uses (KIP-584)
 *
 * Versions
 * - 2: log directories
 * - 3: epoch of the last clean shutdown
 */
import {
  type BrokerRegistrationRequest,
  readBrokerRegistrationRequest,
} from '../protocol/generated/broker-registration-request.ts';
import {
  type BrokerRegistrationResponseInit,
  writeBrokerRegistrationResponse,
} from '../protocol/generated/broker-registration-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';
import { errorOf } from './submit.ts';

export const brokerRegistration = handler<BrokerRegistrationRequest, BrokerRegistrationResponseInit>({
  key: 62,
  read: readBrokerRegistrationRequest,
  write: writeBrokerRegistrationResponse,
  async handle(request, _context, broker) {
    const { brokerId, incarnationId } = request;
    const refused = (errorCode: number): BrokerRegistrationResponseInit => ({
      throttleTimeMs: 0,
      errorCode,
      brokerEpoch: -1,
    });
    if (request.clusterId !== broker.clusterId) return refused(ErrorCode.INCONSISTENT_CLUSTER_ID);
    try {
      const position = {
        nextOffset: request.metadataOffset,
        controllerEpoch: request.metadataControllerEpoch,
        termId: request.metadataTermId,
      };
      const { errorCode } = await broker.keeper.register(position, {
        brokerId,
        incarnationId,
        endpoints: request.listeners.map(({ name, host, port }) => ({ name, host, port })),
        rack: request.rack,
        directories: request.logDirs,
        features: request.features,
        previousEpoch: request.previousBrokerEpoch,
      });
      if (errorCode !== ErrorCode.NONE) return refused(errorCode);
    } catch (error) {
      return refused(errorOf(error));
    }
    const registered = broker.image.brokers.get(brokerId);
    // Another incarnation may have registered since; this one then has no epoch any more.
    if (registered?.incarnationId !== incarnationId) return refused(ErrorCode.DUPLICATE_BROKER_REGISTRATION);
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, brokerEpoch: registered.epoch };
  },
});
