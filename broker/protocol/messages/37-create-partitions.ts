/** Raises the number of a topic's partitions. */
import { api, bool, int16, int32, int32s, list, message, string } from '../schema.ts';

export default api({
  key: 37,
  name: 'CreatePartitions',
  listeners: ['broker', 'controller'],
  request: message('0-3', '2+', {
    topics: list('0+', {
      name: string('0+', { mapKey: true }),
      count: int32('0+'),
      assignments: list(
        '0+',
        {
          brokerIds: int32s('0+'),
        },
        { nullable: '0+' },
      ),
    }),
    timeoutMs: int32('0+'),
    validateOnly: bool('0+'),
  }),
  response: message('0-3', '2+', {
    throttleTimeMs: int32('0+'),
    results: list('0+', {
      name: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  }),
});
