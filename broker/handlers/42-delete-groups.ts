/**
 * DeleteGroups (key 42), versions 0-3.
 *
 * Behaviour
 * - only empty groups; their offsets go with them
 *
 * Versions
 * - 2: flexible
 * - 3: error message
 */
import { type DeleteGroupsRequest, readDeleteGroupsRequest } from '../protocol/generated/delete-groups-request.ts';
import {
  type DeleteGroupsResponseInit,
  writeDeleteGroupsResponse,
} from '../protocol/generated/delete-groups-response.ts';
import { handler } from './handler.ts';

export const deleteGroups = handler<DeleteGroupsRequest, DeleteGroupsResponseInit>({
  key: 42,
  read: readDeleteGroupsRequest,
  write: writeDeleteGroupsResponse,
  async handle(request, _context, broker) {
    const results = await Promise.all(
      request.groupsNames.map(async (groupId) => ({ groupId, errorCode: await broker.groups.deleteGroup(groupId) })),
    );
    return { throttleTimeMs: 0, results };
  },
});
