/** One ACL. */
import { data, int8, string, uuid } from '../../schema.ts';

export default data(
  'AccessControlEntryRecord',
  '0',
  '0+',
  {
    id: uuid('0+'),
    resourceType: int8('0+'),
    resourceName: string('0+'),
    patternType: int8('0+'),
    principal: string('0+'),
    host: string('0+'),
    operation: int8('0+'),
    permissionType: int8('0+'),
  },
  { apiKey: 18 },
);
