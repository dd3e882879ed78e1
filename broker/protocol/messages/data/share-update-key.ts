/** Names the share partition whose state a record of __share_group_state changes. */
import { data, int32, string, uuid } from '../../schema.ts';

export default data(
  'ShareUpdateKey',
  '0',
  'none',
  {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
  { apiKey: 1 },
);
