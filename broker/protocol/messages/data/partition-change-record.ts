/** What changed of a partition: absent fields stay as they were. */
import { data, int8, int32, int32s, uuid, uuids } from '../../schema.ts';

export default data(
  'PartitionChangeRecord',
  '0-2',
  '0+',
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    isr: int32s('0+', { nullable: '0+', tag: 0, default: null }),
    leader: int32('0+', { tag: 1, default: -2 }),
    replicas: int32s('0+', { nullable: '0+', tag: 2, default: null }),
    removingReplicas: int32s('0+', { nullable: '0+', tag: 3, default: null }),
    addingReplicas: int32s('0+', { nullable: '0+', tag: 4, default: null }),
    leaderRecoveryState: int8('0+', { tag: 5, default: -1 }),
    directories: uuids('1+', { nullable: '1+', tag: 8, default: null }),
    eligibleLeaderReplicas: int32s('2+', { nullable: '2+', tag: 6, default: null }),
    lastKnownElr: int32s('2+', { nullable: '2+', tag: 7, default: null }),
  },
  { apiKey: 5 },
);
