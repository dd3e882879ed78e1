/** Agrees on a SASL mechanism. After v0 the tokens follow without Kafka's framing of requests; after v1 with it. */
import { api, int16, message, string, strings } from '../schema.ts';

export default api({
  key: 17,
  name: 'SaslHandshake',
  listeners: ['broker', 'controller'],
  request: message('0-1', 'none', {
    mechanism: string('0+'),
  }),
  response: message('0-1', 'none', {
    errorCode: int16('0+'),
    mechanisms: strings('0+'),
  }),
});
