/** Tells where share groups start in each partition; v1 adds how far they are behind. */
import { api, int16, int32, int32s, int64, list, message, string, uuid } from '../schema.ts';

export default api({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  listeners: ['broker'],
  request: message('0-1', '0+', {
    groups: list('0+', {
      groupId: string('0+'),
      topics: list(
        '0+',
        {
          topicName: string('0+'),
          partitions: int32s('0+'),
        },
        { nullable: '0+' },
      ),
    }),
  }),
  response: message('0-1', '0+', {
    throttleTimeMs: int32('0+'),
    groups: list('0+', {
      groupId: string('0+'),
      topics: list('0+', {
        topicName: string('0+'),
        topicId: uuid('0+'),
        partitions: list('0+', {
          partitionIndex: int32('0+'),
          startOffset: int64('0+'),
          leaderEpoch: int32('0+'),
          lag: int64('1+', { default: -1n, ignorable: true }),
          errorCode: int16('0+'),
          errorMessage: string('0+', { nullable: '0+', default: null }),
        }),
      }),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
    }),
  }),
});
