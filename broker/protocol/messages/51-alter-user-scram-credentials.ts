/** Sets and removes users' SCRAM credentials; passwords arrive already salted and hashed. */
import { api, bytes, int8, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 51,
  name: 'AlterUserScramCredentials',
  listeners: ['broker', 'controller'],
  request: message('0', '0+', {
    deletions: list('0+', {
      name: string('0+'),
      mechanism: int8('0+'),
    }),
    upsertions: list('0+', {
      name: string('0+'),
      mechanism: int8('0+'),
      iterations: int32('0+'),
      salt: bytes('0+'),
      saltedPassword: bytes('0+'),
    }),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    results: list('0+', {
      user: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    }),
  }),
});
