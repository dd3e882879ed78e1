/** Lists client quotas by user, client id and address. */
import { api, bool, float64, int8, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 48,
  name: 'DescribeClientQuotas',
  listeners: ['broker'],
  request: message('0-1', '1+', {
    components: list('0+', {
      entityType: string('0+'),
      matchType: int8('0+'),
      match: string('0+', { nullable: '0+' }),
    }),
    strict: bool('0+'),
  }),
  response: message('0-1', '1+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    entries: list(
      '0+',
      {
        entity: list('0+', {
          entityType: string('0+'),
          entityName: string('0+', { nullable: '0+' }),
        }),
        values: list('0+', {
          key: string('0+'),
          value: float64('0+'),
        }),
      },
      { nullable: '0+' },
    ),
  }),
});
