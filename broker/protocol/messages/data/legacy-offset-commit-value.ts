/** The committed offset of very old brokers, before an expiry was kept with it. */
import { data, int64, string } from '../../schema.ts';

export default data(
  'LegacyOffsetCommitValue',
  '0',
  'none',
  {
    offset: int64('0'),
    metadata: string('0'),
    commitTimestamp: int64('0'),
  },
  { apiKey: 0 },
);
