/**
 * LeaveGroup (key 13), versions 0-5.
 *
 * Versions
 * - 0-2: one member, whose error is the answer's
 * - 3: several members, by id or instance id, each with its own error
 * - 4: flexible
 * - 5: reason
 */
import { type LeaveGroupRequest, readLeaveGroupRequest } from '../protocol/generated/leave-group-request.ts';
import { type LeaveGroupResponseInit, writeLeaveGroupResponse } from '../protocol/generated/leave-group-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

const MANY_MEMBERS_FROM = 3;

export const leaveGroup = handler<LeaveGroupRequest, LeaveGroupResponseInit>({
  key: 13,
  read: readLeaveGroupRequest,
  write: writeLeaveGroupResponse,
  handle(request, context, broker) {
    const isMany = context.version >= MANY_MEMBERS_FROM;
    const members = isMany ? request.members : [{ memberId: request.memberId, groupInstanceId: null }];
    const left = broker.groups.leaveGroup(request.groupId, members);
    if (typeof left === 'number') return { throttleTimeMs: 0, errorCode: left, members: [] };
    if (!isMany) return { throttleTimeMs: 0, errorCode: left[0]?.errorCode ?? ErrorCode.NONE };
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      members: left.map(({ memberId, groupInstanceId, errorCode }) => ({ memberId, groupInstanceId, errorCode })),
    };
  },
});
