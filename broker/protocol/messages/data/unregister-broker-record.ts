/** A broker left the cluster for good. */
import { data, int32, int64 } from '../../schema.ts';

export default data(
  'UnregisterBrokerRecord',
  '0',
  '0+',
  { brokerId: int32('0+'), brokerEpoch: int64('0+') },
  { apiKey: 1 },
);
