/**
 * Enters a classic group's next generation. v5 brings static members, v9 lets a returning leader skip the
 * assignment.
 */
import { api, bool, bytes, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 11,
  name: 'JoinGroup',
  listeners: ['broker'],
  request: message('0-9', '6+', {
    groupId: string('0+'),
    sessionTimeoutMs: int32('0+'),
    rebalanceTimeoutMs: int32('1+', { default: -1, ignorable: true }),
    memberId: string('0+'),
    groupInstanceId: string('5+', { nullable: '5+', default: null }),
    protocolType: string('0+'),
    protocols: list('0+', {
      name: string('0+', { mapKey: true }),
      metadata: bytes('0+'),
    }),
    reason: string('8+', { nullable: '8+', default: null, ignorable: true }),
  }),
  response: message('0-9', '6+', {
    throttleTimeMs: int32('2+', { ignorable: true }),
    errorCode: int16('0+'),
    generationId: int32('0+', { default: -1 }),
    protocolType: string('7+', {
      nullable: '7+',
      default: null,
      ignorable: true,
    }),
    protocolName: string('0+', { nullable: '7+' }),
    leader: string('0+'),
    skipAssignment: bool('9+'),
    memberId: string('0+'),
    members: list('0+', {
      memberId: string('0+'),
      groupInstanceId: string('5+', {
        nullable: '5+',
        default: null,
        ignorable: true,
      }),
      metadata: bytes('0+'),
    }),
  }),
});
