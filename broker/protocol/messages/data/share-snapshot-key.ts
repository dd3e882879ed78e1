/** Names the share partition whose whole state a record of __share_group_state holds. */
import { data, int32, string, uuid } from '../../schema.ts';

export default data(
  'ShareSnapshotKey',
  '0',
  'none',
  {
    groupId: string('0'),
    topicId: uuid('0'),
    partition: int32('0'),
  },
  { apiKey: 0 },
);
