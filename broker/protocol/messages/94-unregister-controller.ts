/** Forgets a controller that is gone for good. */
import { api, int16, int32, message, string } from '../schema.ts';

export default api({
  key: 94,
  name: 'UnregisterController',
  listeners: ['broker', 'controller'],
  request: message('0', '0+', {
    controllerId: int32('0+'),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  }),
});
