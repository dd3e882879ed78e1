/** A registered broker was fenced, unfenced, or began to shut down. */
import { data, int8, int32, int64, uuids } from '../../schema.ts';

export default data(
  'BrokerRegistrationChangeRecord',
  '0-3',
  '0+',
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
    fenced: int8('0+', { tag: 0 }),
    inControlledShutdown: int8('1+', { tag: 1 }),
    logDirs: uuids('2+', { tag: 2 }),
    cordonedLogDirs: uuids('3+', { nullable: '3+', tag: 3, default: null }),
  },
  { apiKey: 17 },
);
