/** Ottla's own: asks for the permit to stop one incarnation of a broker, or gives it back. */
import { api, bool, int16, int32, int64, list, message, string } from '../schema.ts';

export default api({
  key: 20000,
  name: 'StopPermit',
  listeners: ['controller'],
  request: message('0', '0+', {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
    podUid: string('0+', { nullable: '0+' }),
    release: bool('0+'),
  }),
  response: message('0', '0+', {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    isGranted: bool('0+'),
    blockingCount: int32('0+'),
    blocking: list('0+', {
      topic: string('0+'),
      partition: int32('0+'),
      inSyncReplicas: int32('0+'),
      minInSyncReplicas: int32('0+'),
    }),
  }),
});
