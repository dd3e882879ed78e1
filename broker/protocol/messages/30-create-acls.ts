/** Adds access rules. */
import { api, int8, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 30,
  name: 'CreateAcls',
  listeners: ['broker', 'controller'],
  request: message('1-3', '2+', {
    creations: list('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      resourcePatternType: int8('1+', { default: 3 }),
      principal: string('0+'),
      host: string('0+'),
      operation: int8('0+'),
      permissionType: int8('0+'),
    }),
  }),
  response: message('1-3', '2+', {
    throttleTimeMs: int32('0+'),
    results: list('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
    }),
  }),
});
