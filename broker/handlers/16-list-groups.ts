/**
 * ListGroups (key 16), versions 0-5.
 *
 * Versions
 * - 3: flexible
 * - 4: state, and a filter by it
 * - 5: type, and a filter by it; filters ignore case
 */
import { type ListGroupsRequest, readListGroupsRequest } from '../protocol/generated/list-groups-request.ts';
import { type ListGroupsResponseInit, writeListGroupsResponse } from '../protocol/generated/list-groups-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { handler } from './handler.ts';

const CLASSIC = 'classic';

export const listGroups = handler<ListGroupsRequest, ListGroupsResponseInit>({
  key: 16,
  read: readListGroupsRequest,
  write: writeListGroupsResponse,
  handle(request, _context, broker) {
    const all = broker.groups.listGroups();
    if (typeof all === 'number') return { throttleTimeMs: 0, errorCode: all, groups: [] };
    const states = new Set(request.statesFilter.map((state) => state.toLowerCase()));
    const types = new Set(request.typesFilter.map((type) => type.toLowerCase()));
    const groups = all
      .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
      .filter(() => types.size === 0 || types.has(CLASSIC))
      .map(({ id, protocolType, state }) => ({
        groupId: id,
        protocolType: protocolType ?? '',
        groupState: state,
        groupType: CLASSIC,
      }));
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, groups };
  },
});
