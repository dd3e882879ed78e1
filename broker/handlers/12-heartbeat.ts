/**
 * Heartbeat (key 12), versions 0-4.
 *
 * Behaviour
 * - renews the member's session; REBALANCE_IN_PROGRESS is how members learn that they must join again
 *
 * Versions
 * - 3: static members
 * - 4: flexible
 */
import { type HeartbeatRequest, readHeartbeatRequest } from '../protocol/generated/heartbeat-request.ts';
import { type HeartbeatResponseInit, writeHeartbeatResponse } from '../protocol/generated/heartbeat-response.ts';
import { handler } from './handler.ts';

export const heartbeat = handler<HeartbeatRequest, HeartbeatResponseInit>({
  key: 12,
  read: readHeartbeatRequest,
  write: writeHeartbeatResponse,
  handle({ groupId, memberId, groupInstanceId, generationId }, _context, broker) {
    const errorCode = broker.groups.heartbeat(groupId, memberId, groupInstanceId, generationId);
    return { throttleTimeMs: 0, errorCode };
  },
});
