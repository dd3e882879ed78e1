/** Names the partition whose committed offset a record of __consumer_offsets holds. */
import { data, int32, string } from '../../schema.ts';

export default data(
  'OffsetCommitKey',
  '0',
  'none',
  {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
  { apiKey: 1 },
);
