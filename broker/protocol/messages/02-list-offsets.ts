/**
 * Finds the offset of a timestamp or of a named point: earliest, latest, and later versions' special negative
 * timestamps.
 */
import { api, int8, int16, int32, int64, list, message, string } from '../schema.ts';

export default api({
  key: 2,
  name: 'ListOffsets',
  listeners: ['broker'],
  request: message('1-11', '6+', {
    replicaId: int32('0+'),
    isolationLevel: int8('2+'),
    topics: list('0+', {
      name: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        currentLeaderEpoch: int32('4+', { default: -1, ignorable: true }),
        timestamp: int64('0+'),
      }),
    }),
    timeoutMs: int32('10+', { ignorable: true }),
  }),
  response: message('1-11', '6+', {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: list('0+', {
      name: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        timestamp: int64('1+', { default: -1n }),
        offset: int64('1+', { default: -1n }),
        leaderEpoch: int32('4+', { default: -1 }),
      }),
    }),
  }),
});
