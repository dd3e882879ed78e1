/** Removes the access rules that match filters, and tells which they were. */
import { api, int8, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 31,
  name: 'DeleteAcls',
  listeners: ['broker', 'controller'],
  request: message('1-3', '2+', {
    filters: list('0+', {
      resourceTypeFilter: int8('0+'),
      resourceNameFilter: string('0+', { nullable: '0+' }),
      patternTypeFilter: int8('1+', { default: 3 }),
      principalFilter: string('0+', { nullable: '0+' }),
      hostFilter: string('0+', { nullable: '0+' }),
      operation: int8('0+'),
      permissionType: int8('0+'),
    }),
  }),
  response: message('1-3', '2+', {
    throttleTimeMs: int32('0+'),
    filterResults: list('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      matchingAcls: list('0+', {
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
        resourceType: int8('0+'),
        resourceName: string('0+'),
        patternType: int8('1+', { default: 3 }),
        principal: string('0+'),
        host: string('0+'),
        operation: int8('0+'),
        permissionType: int8('0+'),
      }),
    }),
  }),
});
