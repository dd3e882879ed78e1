/** Tells where a leader epoch ended, so that a follower or consumer can find where its log parted from the leader's. */
import { api, int16, int32, int64, list, message, string } from '../schema.ts';

export default api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  listeners: ['broker'],
  request: message('2-4', '4+', {
    replicaId: int32('3+', { default: -2, ignorable: true }),
    topics: list('0+', {
      topic: string('0+', { mapKey: true }),
      partitions: list('0+', {
        partition: int32('0+'),
        currentLeaderEpoch: int32('2+', { default: -1, ignorable: true }),
        leaderEpoch: int32('0+'),
      }),
    }),
  }),
  response: message('2-4', '4+', {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: list('0+', {
      topic: string('0+', { mapKey: true }),
      partitions: list('0+', {
        errorCode: int16('0+'),
        partition: int32('0+'),
        leaderEpoch: int32('1+', { default: -1, ignorable: true }),
        endOffset: int64('0+', { default: -1n }),
      }),
    }),
  }),
});
