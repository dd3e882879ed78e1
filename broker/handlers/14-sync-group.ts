/**
 * SyncGroup (key 14), versions 0-5.
 *
 * Behaviour
 * - followers are parked until the leader's assignment is committed
 *
 * Versions
 * - 3: static members
 * - 4: flexible
 * - 5: protocol type and name are checked and answered
 */
import { readSyncGroupRequest, type SyncGroupRequest } from '../protocol/generated/sync-group-request.ts';
import { type SyncGroupResponseInit, writeSyncGroupResponse } from '../protocol/generated/sync-group-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

const PROTOCOL_FROM = 5;

export const syncGroup = handler<SyncGroupRequest, SyncGroupResponseInit>({
  key: 14,
  read: readSyncGroupRequest,
  write: writeSyncGroupResponse,
  async handle(request, context, broker) {
    const lacksProtocol = request.protocolType === null || request.protocolName === null;
    if (context.version >= PROTOCOL_FROM && lacksProtocol) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL, assignment: Buffer.alloc(0) };
    }
    return { throttleTimeMs: 0, ...(await broker.groups.syncGroup(request)) };
  },
});
