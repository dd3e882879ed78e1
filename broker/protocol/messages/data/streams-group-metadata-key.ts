/** Names the streams group whose epochs a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'StreamsGroupMetadataKey',
  '0',
  'none',
  {
    groupId: string('0'),
  },
  { apiKey: 17 },
);
