/** Carries one SASL token each way. From v1 on the answer says when the client must authenticate again. */
import { api, bytes, int16, int64, message, string } from '../schema.ts';

export default api({
  key: 36,
  name: 'SaslAuthenticate',
  listeners: ['broker', 'controller'],
  request: message('0-2', '2+', {
    authBytes: bytes('0+'),
  }),
  response: message('0-2', '2+', {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    authBytes: bytes('0+'),
    sessionLifetimeMs: int64('1+', { ignorable: true }),
  }),
});
