/** Lists the resources that have settings. v0 knows client metrics alone. */
import { api, int8, int8s, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 74,
  name: 'ListConfigResources',
  listeners: ['broker'],
  request: message('0-1', '0+', {
    resourceTypes: int8s('1+'),
  }),
  response: message('0-1', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    configResources: list('0+', {
      resourceName: string('0+'),
      resourceType: int8('1+', { default: 16, ignorable: true }),
    }),
  }),
});
