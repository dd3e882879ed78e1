/** A SCRAM credential was removed. */
import { data, int8, string } from '../../schema.ts';

export default data(
  'RemoveUserScramCredentialRecord',
  '0',
  '0+',
  { name: string('0+'), mechanism: int8('0+') },
  { apiKey: 22 },
);
