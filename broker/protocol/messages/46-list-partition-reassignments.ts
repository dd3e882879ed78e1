/** Lists the moves of partitions that are under way. */
import { api, int16, int32, int32s, list, message, string } from '../schema.ts';

export default api({
  key: 46,
  name: 'ListPartitionReassignments',
  listeners: ['broker', 'controller'],
  request: message('0', '0+', {
    timeoutMs: int32('0+', { default: 60_000 }),
    topics: list(
      '0+',
      {
        name: string('0+'),
        partitionIndexes: int32s('0+'),
      },
      { nullable: '0+', default: null },
    ),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    topics: list('0+', {
      name: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        replicas: int32s('0+'),
        addingReplicas: int32s('0+'),
        removingReplicas: int32s('0+'),
      }),
    }),
  }),
});
