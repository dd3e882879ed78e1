/** A SCRAM credential was set. */
import { bytes, data, int8, int32, string } from '../../schema.ts';

export default data(
  'UserScramCredentialRecord',
  '0',
  '0+',
  {
    name: string('0+'),
    mechanism: int8('0+'),
    salt: bytes('0+'),
    storedKey: bytes('0+'),
    serverKey: bytes('0+'),
    iterations: int32('0+'),
  },
  { apiKey: 11 },
);
