/** Names the classic group whose state a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'GroupMetadataKey',
  '0',
  'none',
  {
    group: string('0'),
  },
  { apiKey: 2 },
);
