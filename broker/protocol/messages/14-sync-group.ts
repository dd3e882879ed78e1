/** Hands the leader's assignment to every member of a classic group's generation. */
import { api, bytes, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 14,
  name: 'SyncGroup',
  listeners: ['broker'],
  request: message('0-5', '4+', {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
    protocolType: string('5+', {
      nullable: '5+',
      default: null,
      ignorable: true,
    }),
    protocolName: string('5+', {
      nullable: '5+',
      default: null,
      ignorable: true,
    }),
    assignments: list('0+', {
      memberId: string('0+'),
      assignment: bytes('0+'),
    }),
  }),
  response: message('0-5', '4+', {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
    protocolType: string('5+', {
      nullable: '5+',
      default: null,
      ignorable: true,
    }),
    protocolName: string('5+', {
      nullable: '5+',
      default: null,
      ignorable: true,
    }),
    assignment: bytes('0+'),
  }),
});
