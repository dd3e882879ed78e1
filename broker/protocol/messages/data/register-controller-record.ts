/** A controller claimed the log. */
import { bool, data, int16, int32, list, string, uint16, uuid } from '../../schema.ts';

export default data(
  'RegisterControllerRecord',
  '0',
  '0+',
  {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
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
  },
  { apiKey: 27 },
);
