/** Registers a controller's endpoints and features with the active controller. */
import { api, bool, int16, int32, list, message, string, uint16, uuid } from '../schema.ts';

export default api({
  key: 70,
  name: 'ControllerRegistration',
  listeners: ['controller'],
  request: message('0', '0+', {
    controllerId: int32('0+'),
    incarnationId: uuid('0+'),
    zkMigrationReady: bool('0+'),
    listeners: list('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: list('0+', {
      name: string('0+', { mapKey: true }),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
  }),
});
