/** Gives a producer its id and epoch, fencing older ones. v6 (unstable) prepares for two-phase commit. */
import { api, bool, int16, int32, int64, message, string } from '../schema.ts';

export default api({
  key: 22,
  name: 'InitProducerId',
  listeners: ['broker'],
  request: message(
    '0-6',
    '2+',
    {
      transactionalId: string('0+', { nullable: '0+' }),
      transactionTimeoutMs: int32('0+'),
      producerId: int64('3+', { default: -1n }),
      producerEpoch: int16('3+', { default: -1 }),
      enable2Pc: bool('6+'),
      keepPreparedTxn: bool('6+'),
    },
    { latestVersionUnstable: true },
  ),
  response: message('0-6', '2+', {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16('0+'),
    producerId: int64('0+', { default: -1n }),
    producerEpoch: int16('0+'),
    ongoingTxnProducerId: int64('6+', { default: -1n }),
    ongoingTxnProducerEpoch: int16('6+', { default: -1 }),
  }),
});
