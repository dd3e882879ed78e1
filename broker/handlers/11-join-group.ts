/**
 * JoinGroup (key 11), versions 0-9.
 *
 * Behaviour
 * - parked until the rebalance completes; the coordinator answers all members together
 *
 * Versions
 * - 1: rebalance timeout; before it the session timeout stands for it
 * - 4: a new member gets its id first and joins with it (KIP-394)
 * - 5: static members (KIP-345)
 * - 6: flexible
 * - 7: protocol type, and a null protocol name where there is none
 * - 9: a static leader that comes back may skip the assignment
 */
import { type JoinGroupRequest, readJoinGroupRequest } from '../protocol/generated/join-group-request.ts';
import { type JoinGroupResponseInit, writeJoinGroupResponse } from '../protocol/generated/join-group-response.ts';
import { handler } from './handler.ts';

const MEMBER_ID_REQUIRED_FROM = 4;
const NULL_PROTOCOL_FROM = 7;
const SKIP_ASSIGNMENT_FROM = 9;

export const joinGroup = handler<JoinGroupRequest, JoinGroupResponseInit>({
  key: 11,
  read: readJoinGroupRequest,
  write: writeJoinGroupResponse,
  async handle(request, context, broker) {
    const result = await broker.groups.joinGroup({
      groupId: request.groupId,
      memberId: request.memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: context.clientId ?? '',
      clientHost: `/${context.connection.clientAddress}`,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: context.version === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
      protocolType: request.protocolType,
      protocols: request.protocols,
      requiresMemberId: context.version >= MEMBER_ID_REQUIRED_FROM,
      maySkipAssignment: context.version >= SKIP_ASSIGNMENT_FROM,
    });
    const hasNull = context.version >= NULL_PROTOCOL_FROM;
    return { throttleTimeMs: 0, ...result, protocolName: result.protocolName ?? (hasNull ? null : '') };
  },
});
