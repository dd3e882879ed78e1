/** Ottla's own: waits for changes of topics, configs, quotas and users, and tells who asked for them and from where. */
import { api, int16, int32, int64, list, message, string } from '../schema.ts';

export default api({
  key: 20003,
  name: 'WatchChanges',
  listeners: ['controller'],
  request: message('0', '0+', { fromOffset: int64('0+'), maxWaitMs: int32('0+') }),
  response: message('0', '0+', {
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    nextOffset: int64('0+'),
    changes: list('0+', {
      offset: int64('0+'),
      principal: string('0+'),
      host: string('0+'),
      clientId: string('0+', { nullable: '0+' }),
      requestApiKey: int16('0+'),
      resourceType: string('0+'),
      resourceName: string('0+'),
      topicId: string('0+', { nullable: '0+' }),
      change: string('0+'),
    }),
  }),
});
