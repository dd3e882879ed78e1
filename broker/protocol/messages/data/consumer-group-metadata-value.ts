/** A consumer group's epoch, and a hash of the topics it depends on. */
import { data, int32, int64 } from '../../schema.ts';

export default data(
  'ConsumerGroupMetadataValue',
  '0',
  '0+',
  {
    epoch: int32('0+'),
    metadataHash: int64('0+', { tag: 0 }),
  },
  { apiKey: 3 },
);
