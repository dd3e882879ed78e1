/** Lists the transactions a broker coordinates. v1 filters by age, v2 by a pattern of the transactional id. */
import { api, int16, int32, int64, int64s, list, message, string, strings } from '../schema.ts';

export default api({
  key: 66,
  name: 'ListTransactions',
  listeners: ['broker'],
  request: message('0-2', '0+', {
    stateFilters: strings('0+'),
    producerIdFilters: int64s('0+'),
    durationFilter: int64('1+', { default: -1n }),
    transactionalIdPattern: string('2+', { nullable: '2+', default: null }),
  }),
  response: message('0-2', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    unknownStateFilters: strings('0+'),
    transactionStates: list('0+', {
      transactionalId: string('0+'),
      producerId: int64('0+'),
      transactionState: string('0+'),
    }),
  }),
});
