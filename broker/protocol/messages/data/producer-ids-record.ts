/** Producer ids below the next one have been handed out in blocks. */
import { data, int32, int64 } from '../../schema.ts';

export default data(
  'ProducerIdsRecord',
  '0',
  '0+',
  { brokerId: int32('0+'), brokerEpoch: int64('0+', { default: -1n }), nextProducerId: int64('0+') },
  { apiKey: 15 },
);
