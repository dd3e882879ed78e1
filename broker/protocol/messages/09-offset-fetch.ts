/** Reads committed offsets back. v8 asks for several groups at once, v10 names topics by id. */
import { api, bool, int16, int32, int32s, int64, list, message, string, uuid } from '../schema.ts';

export default api({
  key: 9,
  name: 'OffsetFetch',
  listeners: ['broker'],
  request: message('1-10', '6+', {
    groupId: string('0-7'),
    topics: list(
      '0-7',
      {
        name: string('0-7'),
        partitionIndexes: int32s('0-7'),
      },
      { nullable: '2-7' },
    ),
    groups: list('8+', {
      groupId: string('8+'),
      memberId: string('9+', {
        nullable: '9+',
        default: null,
        ignorable: true,
      }),
      memberEpoch: int32('9+', { default: -1, ignorable: true }),
      topics: list(
        '8+',
        {
          name: string('8-9', { ignorable: true }),
          topicId: uuid('10+', { ignorable: true }),
          partitionIndexes: int32s('8+'),
        },
        { nullable: '8+' },
      ),
    }),
    requireStable: bool('7+'),
  }),
  response: message('1-10', '6+', {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: list('0-7', {
      name: string('0-7'),
      partitions: list('0-7', {
        partitionIndex: int32('0-7'),
        committedOffset: int64('0-7'),
        committedLeaderEpoch: int32('5-7', { default: -1, ignorable: true }),
        metadata: string('0-7', { nullable: '0-7' }),
        errorCode: int16('0-7'),
      }),
    }),
    errorCode: int16('2-7', { ignorable: true }),
    groups: list('8+', {
      groupId: string('8+'),
      topics: list('8+', {
        name: string('8-9', { ignorable: true }),
        topicId: uuid('10+', { ignorable: true }),
        partitions: list('8+', {
          partitionIndex: int32('8+'),
          committedOffset: int64('8+'),
          committedLeaderEpoch: int32('8+', { default: -1, ignorable: true }),
          metadata: string('8+', { nullable: '8+' }),
          errorCode: int16('8+'),
        }),
      }),
      errorCode: int16('8+'),
    }),
  }),
});
