/** The key of committed offsets written by very old brokers; read, never written. */
import { data, int32, string } from '../../schema.ts';

export default data(
  'LegacyOffsetCommitKey',
  '0',
  'none',
  {
    group: string('0'),
    topic: string('0'),
    partition: int32('0'),
  },
  { apiKey: 0 },
);
