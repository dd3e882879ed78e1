/**
 * DescribeGroups (key 15), versions 0-6.
 *
 * Behaviour
 * - a group that does not exist is Dead without an error, and GROUP_ID_NOT_FOUND from version 6 on
 *
 * Versions
 * - 3: authorized operations
 * - 4: static members
 * - 5: flexible
 * - 6: error message
 */
import {
  type DescribeGroupsRequest,
  readDescribeGroupsRequest,
} from '../protocol/generated/describe-groups-request.ts';
import {
  type DescribeGroupsResponseGroupsInit,
  type DescribeGroupsResponseInit,
  writeDescribeGroupsResponse,
} from '../protocol/generated/describe-groups-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { GROUP_OPERATIONS, NOT_ASKED } from './authorized-operations.ts';
import type { Broker } from './broker.ts';
import { handler } from './handler.ts';

const NOT_FOUND_FROM = 6;

export const describeGroups = handler<DescribeGroupsRequest, DescribeGroupsResponseInit>({
  key: 15,
  read: readDescribeGroupsRequest,
  write: writeDescribeGroupsResponse,
  handle(request, context, broker) {
    return {
      throttleTimeMs: 0,
      groups: request.groups.map((groupId) => ({
        ...describe(broker, groupId, context.version),
        authorizedOperations: mayBeAnswered(request, broker, groupId, context.version) ? GROUP_OPERATIONS : NOT_ASKED,
      })),
    };
  },
});

function mayBeAnswered(request: DescribeGroupsRequest, broker: Broker, groupId: string, version: number): boolean {
  if (!request.includeAuthorizedOperations) return false;
  return version < NOT_FOUND_FROM || broker.groups.describeGroup(groupId) !== undefined;
}

function describe(broker: Broker, groupId: string, version: number): DescribeGroupsResponseGroupsInit {
  const group = broker.groups.describeGroup(groupId);
  if (group === undefined) {
    const isNamed = version >= NOT_FOUND_FROM;
    return {
      errorCode: isNamed ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE,
      errorMessage: isNamed ? `Group ${groupId} not found.` : null,
      groupId,
      groupState: 'Dead',
      protocolType: '',
      protocolData: '',
      members: [],
    };
  }
  return {
    errorCode: group.errorCode,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: group.protocolName,
    members: group.members.map(({ metadata, assignment, ...member }) => ({
      ...member,
      memberMetadata: metadata,
      memberAssignment: assignment,
    })),
  };
}
