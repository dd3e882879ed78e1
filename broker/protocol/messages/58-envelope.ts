/** Carries a client's request from a broker to the controller, together with who sent it. */
import { api, bytes, int16, message } from '../schema.ts';

export default api({
  key: 58,
  name: 'Envelope',
  listeners: ['controller'],
  request: message('0', '0+', {
    requestData: bytes('0+'),
    requestPrincipal: bytes('0+', { nullable: '0+' }),
    clientHostAddress: bytes('0+'),
  }),
  response: message('0', '0+', {
    responseData: bytes('0+', { nullable: '0+', default: null }),
    errorCode: int16('0+'),
  }),
});
