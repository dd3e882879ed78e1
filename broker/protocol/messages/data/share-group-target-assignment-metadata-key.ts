/** Names the share group whose assignment epoch a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'ShareGroupTargetAssignmentMetadataKey',
  '0',
  'none',
  {
    groupId: string('0'),
  },
  { apiKey: 12 },
);
