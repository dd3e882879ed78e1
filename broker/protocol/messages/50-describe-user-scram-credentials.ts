/** Lists which SCRAM mechanisms users have a password for, never the password. */
import { api, int8, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  listeners: ['broker', 'controller'],
  request: message('0', '0+', {
    users: list(
      '0+',
      {
        name: string('0+'),
      },
      { nullable: '0+' },
    ),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    results: list('0+', {
      user: string('0+'),
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      credentialInfos: list('0+', {
        mechanism: int8('0+'),
        iterations: int32('0+'),
      }),
    }),
  }),
});
