/** Sets and removes client quotas. */
import { api, bool, float64, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 49,
  name: 'AlterClientQuotas',
  listeners: ['broker', 'controller'],
  request: message('0-1', '1+', {
    entries: list('0+', {
      entity: list('0+', {
        entityType: string('0+'),
        entityName: string('0+', { nullable: '0+' }),
      }),
      ops: list('0+', {
        key: string('0+'),
        value: float64('0+'),
        remove: bool('0+'),
      }),
    }),
    validateOnly: bool('0+'),
  }),
  response: message('0-1', '1+', {
    throttleTimeMs: int32('0+'),
    entries: list('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      entity: list('0+', {
        entityType: string('0+'),
        entityName: string('0+', { nullable: '0+' }),
      }),
    }),
  }),
});
