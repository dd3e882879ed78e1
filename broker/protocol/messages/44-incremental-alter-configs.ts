/** Changes single settings of a resource: set, delete, append to a list or take from it. */
import { api, bool, int8, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  listeners: ['broker', 'controller'],
  request: message('0-1', '1+', {
    resources: list('0+', {
      resourceType: int8('0+', { mapKey: true }),
      resourceName: string('0+', { mapKey: true }),
      configs: list('0+', {
        name: string('0+', { mapKey: true }),
        configOperation: int8('0+', { mapKey: true }),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool('0+'),
  }),
  response: message('0-1', '1+', {
    throttleTimeMs: int32('0+'),
    responses: list('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
    }),
  }),
});
