/** The records up to the matching end take effect together or not at all. */
import { data, string } from '../../schema.ts';

export default data(
  'BeginTransactionRecord',
  '0',
  '0+',
  { name: string('0+', { nullable: '0+', tag: 0, default: null }) },
  { apiKey: 23 },
);
