/** Keeps a broker registered, and carries its wish to be fenced or shut down. Offline directories came with v1. */
import { api, bool, int16, int32, int64, message, uuids } from '../schema.ts';

export default api({
  key: 63,
  name: 'BrokerHeartbeat',
  listeners: ['controller'],
  request: message('0-2', '0+', {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+', { default: -1n }),
    currentMetadataOffset: int64('0+'),
    wantFence: bool('0+'),
    wantShutDown: bool('0+'),
    offlineLogDirs: uuids('1+', { tag: 0 }),
    cordonedLogDirs: uuids('2+', { nullable: '2+', tag: 1, default: null }),
    /** Ottla's own: folders that have no room at the moment. */
    fullLogDirs: uuids('0+', { tag: 20000 }),
  }),
  response: message('0-2', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    isCaughtUp: bool('0+'),
    isFenced: bool('0+', { default: true }),
    shouldShutDown: bool('0+'),
  }),
});
