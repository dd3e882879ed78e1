/** A committed offset. v3 brings the leader epoch, v4 the topic id. */
import { data, int32, int64, string, uuid } from '../../schema.ts';

export default data(
  'OffsetCommitValue',
  '0-4',
  '4+',
  {
    offset: int64('0+'),
    leaderEpoch: int32('3+', { default: -1, ignorable: true }),
    metadata: string('0+'),
    commitTimestamp: int64('0+'),
    expireTimestamp: int64('1', { default: -1n, ignorable: true }),
    topicId: uuid('4+', { tag: 0, ignorable: true }),
  },
  { apiKey: 1 },
);
