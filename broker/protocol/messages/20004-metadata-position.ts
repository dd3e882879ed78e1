/** Ottla's own: how far a broker has read the metadata log, so that nobody leads who knows less of it than another. */
import { api, int32, int64, message, string } from '../schema.ts';

export default api({
  key: 20004,
  name: 'MetadataPosition',
  listeners: ['controller'],
  request: message('0', '0+', { clusterId: string('0+') }),
  response: message('0', '0+', {
    clusterId: string('0+'),
    nextOffset: int64('0+'),
    controllerEpoch: int32('0+'),
  }),
});
