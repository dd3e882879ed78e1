/** A quota of one entity was set or removed. */
import { bool, data, float64, list, string } from '../../schema.ts';

export default data(
  'ClientQuotaRecord',
  '0',
  '0+',
  {
    entity: list('0+', { entityType: string('0+'), entityName: string('0+', { nullable: '0+' }) }),
    key: string('0+'),
    value: float64('0+'),
    remove: bool('0+'),
  },
  { apiKey: 14 },
);
