/** The principal in an Envelope: on whose behalf a broker forwards. */
import { bool, data, string } from '../../schema.ts';

export default data('DefaultPrincipalData', '0', '0+', {
  type: string('0+'),
  name: string('0+'),
  tokenAuthenticated: bool('0+'),
});
