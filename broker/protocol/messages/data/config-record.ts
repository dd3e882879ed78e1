/** A dynamic config was set, or removed with a null value. */
import { data, int8, string } from '../../schema.ts';

export default data(
  'ConfigRecord',
  '0',
  '0+',
  { resourceType: int8('0+'), resourceName: string('0+'), name: string('0+'), value: string('0+', { nullable: '0+' }) },
  { apiKey: 4 },
);
