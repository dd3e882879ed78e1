/** Takes members out of a classic group. From v3 on one request may remove many, static ones included. */
import { api, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 13,
  name: 'LeaveGroup',
  listeners: ['broker'],
  request: message('0-5', '4+', {
    groupId: string('0+'),
    memberId: string('0-2'),
    members: list('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+', default: null }),
      reason: string('5+', { nullable: '5+', default: null, ignorable: true }),
    }),
  }),
  response: message('0-5', '4+', {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    members: list('3+', {
      memberId: string('3+'),
      groupInstanceId: string('3+', { nullable: '3+' }),
      errorCode: int16('3+'),
    }),
  }),
});
