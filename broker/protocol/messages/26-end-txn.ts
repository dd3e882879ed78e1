/** Commits or aborts a transaction. From v5 on the answer carries the epoch for the producer's next transaction. */
import { api, bool, int16, int32, int64, message, string } from '../schema.ts';

export default api({
  key: 26,
  name: 'EndTxn',
  listeners: ['broker'],
  request: message('0-5', '3+', {
    transactionalId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    committed: bool('0+'),
  }),
  response: message('0-5', '3+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    producerId: int64('5+', { default: -1n, ignorable: true }),
    producerEpoch: int16('5+', { default: -1, ignorable: true }),
  }),
});
