/** The records since the last BeginTransactionRecord count for nothing. */
import { data, string } from '../../schema.ts';

export default data(
  'AbortTransactionRecord',
  '0',
  '0+',
  { reason: string('0+', { nullable: '0+', tag: 0, default: null }) },
  { apiKey: 25 },
);
