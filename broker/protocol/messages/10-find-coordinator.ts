/** Finds the broker that coordinates a group, transaction or share partition. v4 asks for many keys at once. */
import { api, int8, int16, int32, list, message, string, strings } from '../schema.ts';

export default api({
  key: 10,
  name: 'FindCoordinator',
  listeners: ['broker'],
  request: message('0-6', '3+', {
    key: string('0-3'),
    keyType: int8('1+'),
    coordinatorKeys: strings('4+'),
  }),
  response: message('0-6', '3+', {
    throttleTimeMs: int32('1+', { ignorable: true }),
    errorCode: int16('0-3'),
    errorMessage: string('1-3', { nullable: '1-3', ignorable: true }),
    nodeId: int32('0-3'),
    host: string('0-3'),
    port: int32('0-3'),
    coordinators: list('4+', {
      key: string('4+'),
      nodeId: int32('4+'),
      host: string('4+'),
      port: int32('4+'),
      errorCode: int16('4+'),
      errorMessage: string('4+', { nullable: '4+', ignorable: true }),
    }),
  }),
});
