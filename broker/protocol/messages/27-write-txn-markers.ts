/** Has partition leaders write the markers that end a transaction; sent by the transaction coordinator. */
import { api, bool, int8, int16, int32, int32s, int64, list, message, string } from '../schema.ts';

export default api({
  key: 27,
  name: 'WriteTxnMarkers',
  listeners: ['broker'],
  request: message('1-2', '1+', {
    markers: list('0+', {
      producerId: int64('0+'),
      producerEpoch: int16('0+'),
      transactionResult: bool('0+'),
      topics: list('0+', {
        name: string('0+'),
        partitionIndexes: int32s('0+'),
      }),
      coordinatorEpoch: int32('0+'),
      transactionVersion: int8('2+', { ignorable: true }),
    }),
  }),
  response: message('1-2', '1+', {
    markers: list('0+', {
      producerId: int64('0+'),
      topics: list('0+', {
        name: string('0+'),
        partitions: list('0+', {
          partitionIndex: int32('0+'),
          errorCode: int16('0+'),
        }),
      }),
    }),
  }),
});
