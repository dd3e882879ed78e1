/**
 * StopImpact (key 20001), version 0: what stopping a broker would do to the partitions it holds. Control listener only;
 * asks nothing of the metadata log, so it is answered while the store is away.
 */
import { stopImpact as impactOf } from '../controller/mod.ts';
import { readStopImpactRequest, type StopImpactRequest } from '../protocol/generated/stop-impact-request.ts';
import { type StopImpactResponseInit, writeStopImpactResponse } from '../protocol/generated/stop-impact-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

export const stopImpact = handler<StopImpactRequest, StopImpactResponseInit>({
  key: 20001,
  read: readStopImpactRequest,
  write: writeStopImpactResponse,
  handle({ brokerId }, _context, broker) {
    const registered = broker.image.brokers.get(brokerId);
    const impact = impactOf(broker.image, brokerId, broker.keeper.rules);
    return {
      errorCode: registered === undefined ? ErrorCode.BROKER_ID_NOT_REGISTERED : ErrorCode.NONE,
      errorMessage: registered === undefined ? `Broker ID ${brokerId} is not currently registered` : null,
      brokerEpoch: registered?.epoch ?? -1,
      hasPermit: broker.image.stopPermits.get(brokerId)?.brokerEpoch === registered?.epoch && registered !== undefined,
      leaderCount: impact.leaders,
      replicaCount: impact.replicas,
      outOfSyncCount: impact.outOfSync,
      blockingCount: impact.blockingCount,
      unsparableCount: impact.unsparableCount,
      partitions: impact.partitions,
    };
  },
});
