/** Keeps a classic group's member alive, and tells it when a rebalance has begun. */
import { api, int16, int32, message, string } from '../schema.ts';

export default api({
  key: 12,
  name: 'Heartbeat',
  listeners: ['broker'],
  request: message('0-4', '4+', {
    groupId: string('0+'),
    generationId: int32('0+'),
    memberId: string('0+'),
    groupInstanceId: string('3+', { nullable: '3+', default: null }),
  }),
  response: message('0-4', '4+', {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0+'),
  }),
});
