/** The control record that holds the quorum's set of voters with their endpoints. */
import { data, int16, int32, list, string, struct, uint16, uuid } from '../../schema.ts';

export default data('VotersRecord', '0', '0+', {
  version: int16('0+'),
  voters: list('0+', {
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
    endpoints: list('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
    }),
    kRaftVersionFeature: struct('0+', {
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
  }),
});
