/** Moves the log start of partitions forward, and so forgets what is before it. */
import { api, int16, int32, int64, list, message, string } from '../schema.ts';

export default api({
  key: 21,
  name: 'DeleteRecords',
  listeners: ['broker'],
  request: message('0-2', '2+', {
    topics: list('0+', {
      name: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        offset: int64('0+'),
      }),
    }),
    timeoutMs: int32('0+'),
  }),
  response: message('0-2', '2+', {
    throttleTimeMs: int32('0+'),
    topics: list('0+', {
      name: string('0+', { mapKey: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+', { mapKey: true }),
        lowWatermark: int64('0+'),
        errorCode: int16('0+'),
      }),
    }),
  }),
});
