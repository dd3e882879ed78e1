/**
 * Ottla's own: how far a broker has read the metadata log, and whose term it read last, so that nobody leads who knows
 * less of it than another, or something else. Who asks may say the same of itself, and learns who leads.
 */
import { api, int32, int64, message, string, uuid } from '../schema.ts';

const termId = uuid('0+', { tag: 20002 });

export default api({
  key: 20004,
  name: 'MetadataPosition',
  listeners: ['controller'],
  request: message('0', '0+', {
    clusterId: string('0+'),
    nextOffset: int64('0+', { tag: 20000, default: 0n }),
    controllerEpoch: int32('0+', { tag: 20001, default: 0 }),
    termId,
  }),
  response: message('0', '0+', {
    clusterId: string('0+'),
    nextOffset: int64('0+'),
    controllerEpoch: int32('0+'),
    termId,
    controllerId: int32('0+', { tag: 20003, default: -1 }),
    controllerHost: string('0+', { tag: 20004 }),
    controllerPort: int32('0+', { tag: 20005, default: 0 }),
  }),
});
