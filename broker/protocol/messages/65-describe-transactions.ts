/** Tells how transactions stand, by transactional id. */
import { api, int16, int32, int32s, int64, list, message, string, strings } from '../schema.ts';

export default api({
  key: 65,
  name: 'DescribeTransactions',
  listeners: ['broker'],
  request: message('0', '0+', {
    transactionalIds: strings('0+'),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    transactionStates: list('0+', {
      errorCode: int16('0+'),
      transactionalId: string('0+'),
      transactionState: string('0+'),
      transactionTimeoutMs: int32('0+'),
      transactionStartTimeMs: int64('0+'),
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      topics: list('0+', {
        topic: string('0+', { mapKey: true }),
        partitions: int32s('0+'),
      }),
    }),
  }),
});
