/** What has changed in a share partition since its last snapshot. */
import { data, int8, int16, int32, int64, list } from '../../schema.ts';

export default data(
  'ShareUpdateValue',
  '0',
  '0+',
  {
    snapshotEpoch: int32('0+'),
    leaderEpoch: int32('0+'),
    startOffset: int64('0+'),
    deliveryCompleteCount: int32('0+', { tag: 0, default: -1 }),
    stateBatches: list('0+', {
      firstOffset: int64('0+'),
      lastOffset: int64('0+'),
      deliveryState: int8('0+'),
      deliveryCount: int16('0+'),
    }),
  },
  { apiKey: 1 },
);
