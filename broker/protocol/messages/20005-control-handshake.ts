/** Ottla's own: both ends of a control connection prove that they know the cluster's secret, without showing it. */
import { api, bytes, int16, message } from '../schema.ts';

export default api({
  key: 20005,
  name: 'ControlHandshake',
  listeners: ['controller'],
  request: message('0', '0+', {
    nonce: bytes('0+'),
    proof: bytes('0+', { nullable: '0+', default: null }),
  }),
  response: message('0', '0+', {
    errorCode: int16('0+'),
    nonce: bytes('0+'),
    proof: bytes('0+'),
  }),
});
