/** Replaces all dynamic settings of a resource; superseded by IncrementalAlterConfigs. */
import { api, bool, int8, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 33,
  name: 'AlterConfigs',
  listeners: ['broker', 'controller'],
  request: message('0-2', '2+', {
    resources: list('0+', {
      resourceType: int8('0+', { mapKey: true }),
      resourceName: string('0+', { mapKey: true }),
      configs: list('0+', {
        name: string('0+', { mapKey: true }),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    validateOnly: bool('0+'),
  }),
  response: message('0-2', '2+', {
    throttleTimeMs: int32('0+'),
    responses: list('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
    }),
  }),
});
