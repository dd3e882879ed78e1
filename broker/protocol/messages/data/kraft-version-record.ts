/** The control record that sets the version of the quorum's own protocol. */
import { data, int16 } from '../../schema.ts';

export default data('KRaftVersionRecord', '0', '0+', {
  version: int16('0+'),
  kRaftVersion: int16('0+'),
});
