/** Ottla's own: a new operator takes over, and gets the number by which an earlier one can be told. */
import { api, int16, int32, message, string } from '../schema.ts';

export default api({
  key: 20002,
  name: 'OperatorEpoch',
  listeners: ['controller'],
  request: message('0', '0+', { holder: string('0+') }),
  response: message('0', '0+', {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    operatorEpoch: int32('0+'),
  }),
});
