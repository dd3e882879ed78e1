/** How a transaction stands. v1 brings what transactions whose epoch rises at every end need. */
import { data, int8, int16, int32, int32s, int64, list, string } from '../../schema.ts';

export default data(
  'TransactionLogValue',
  '0-1',
  '1+',
  {
    producerId: int64('0+'),
    previousProducerId: int64('1+', { tag: 0, default: -1n }),
    nextProducerId: int64('1+', { tag: 1, default: -1n }),
    producerEpoch: int16('0+'),
    nextProducerEpoch: int16('1+', { tag: 3, default: -1 }),
    transactionTimeoutMs: int32('0+'),
    transactionStatus: int8('0+'),
    transactionPartitions: list(
      '0+',
      {
        topic: string('0+'),
        partitionIds: int32s('0+'),
      },
      { nullable: '0+' },
    ),
    transactionLastUpdateTimestampMs: int64('0+'),
    transactionStartTimestampMs: int64('0+'),
    clientTransactionVersion: int16('1+', { tag: 2 }),
  },
  { apiKey: 0 },
);
