/** Describes groups of the classic protocol, members and all. v6 says that a group does not exist. */
import { api, bool, bytes, int16, int32, list, message, string, strings } from '../schema.ts';

export default api({
  key: 15,
  name: 'DescribeGroups',
  listeners: ['broker'],
  request: message('0-6', '5+', {
    groups: strings('0+'),
    includeAuthorizedOperations: bool('3+'),
  }),
  response: message('0-6', '5+', {
    throttleTimeMs: int32('1+', { ignorable: true }),
    groups: list('0+', {
      errorCode: int16('0+'),
      errorMessage: string('6+', { nullable: '6+', default: null }),
      groupId: string('0+'),
      groupState: string('0+'),
      protocolType: string('0+'),
      protocolData: string('0+'),
      members: list('0+', {
        memberId: string('0+'),
        groupInstanceId: string('4+', { nullable: '4+', default: null, ignorable: true }),
        clientId: string('0+'),
        clientHost: string('0+'),
        memberMetadata: bytes('0+'),
        memberAssignment: bytes('0+'),
      }),
      authorizedOperations: int32('3+', { default: -0x80000000 }),
    }),
  }),
});
