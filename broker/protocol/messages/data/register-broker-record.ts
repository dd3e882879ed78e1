/** A broker registered; the offset of this record's batch becomes its epoch. */
import { bool, data, int16, int32, int64, list, string, uint16, uuid, uuids } from '../../schema.ts';

export default data(
  'RegisterBrokerRecord',
  '0-4',
  '0+',
  {
    brokerId: int32('0+'),
    isMigratingZkBroker: bool('2+'),
    incarnationId: uuid('0+'),
    brokerEpoch: int64('0+'),
    endPoints: list('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: list('0+', {
      name: string('0+', { mapKey: true }),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
    rack: string('0+', { nullable: '0+' }),
    fenced: bool('0+', { default: true }),
    inControlledShutdown: bool('1+'),
    logDirs: uuids('3+', { tag: 0 }),
    cordonedLogDirs: uuids('4+', { nullable: '4+', tag: 1, default: null }),
  },
  { apiKey: 0 },
);
