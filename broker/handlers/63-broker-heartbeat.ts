/**
 * BrokerHeartbeat (key 63), versions 0-2.
 *
 * Behaviour
 * - control listener only; unfences a broker that has caught up, moves leaders away from one that wants to stop
 * - what is in a log folder that failed, or is full, is given to others where there are others (KIP-858)
 * - when the connection it came on closes, the broker's process may be gone: its address is dialled, and if that
 *   refuses twice the broker is fenced without waiting for its session to end
 */
import {
  type BrokerHeartbeatRequest,
  readBrokerHeartbeatRequest,
} from '../protocol/generated/broker-heartbeat-request.ts';
import {
  type BrokerHeartbeatResponseInit,
  writeBrokerHeartbeatResponse,
} from '../protocol/generated/broker-heartbeat-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';
import { errorOf } from './submit.ts';

export const brokerHeartbeat = handler<BrokerHeartbeatRequest, BrokerHeartbeatResponseInit>({
  key: 63,
  read: readBrokerHeartbeatRequest,
  write: writeBrokerHeartbeatResponse,
  async handle(request, context, broker) {
    const refused = (errorCode: number): BrokerHeartbeatResponseInit => ({
      throttleTimeMs: 0,
      errorCode,
      isCaughtUp: false,
      isFenced: true,
      shouldShutDown: false,
    });
    if (!broker.controller.isActive) return refused(ErrorCode.NOT_CONTROLLER);
    const { brokerId, brokerEpoch } = request;
    broker.peerConnections.watch(context.connection, brokerId, brokerEpoch);
    try {
      const { errorCode, isCaughtUp, isFenced, mayStop } = await broker.keeper.heartbeat({
        brokerId,
        brokerEpoch,
        metadataOffset: request.currentMetadataOffset,
        wantsFence: request.wantFence,
        wantsShutdown: request.wantShutDown,
        failedDirectories: request.offlineLogDirs,
        fullDirectories: request.fullLogDirs,
      });
      return { throttleTimeMs: 0, errorCode, isCaughtUp, isFenced, shouldShutDown: mayStop };
    } catch (error) {
      return refused(errorOf(error));
    }
  },
});
