/** A partition and its whole state. */
import { data, int8, int32, int32s, uuid, uuids } from '../../schema.ts';

export default data(
  'PartitionRecord',
  '0-2',
  '0+',
  {
    partitionId: int32('0+', { default: -1 }),
    topicId: uuid('0+'),
    replicas: int32s('0+'),
    isr: int32s('0+'),
    removingReplicas: int32s('0+'),
    addingReplicas: int32s('0+'),
    leader: int32('0+', { default: -1 }),
    leaderRecoveryState: int8('0+', { tag: 0 }),
    leaderEpoch: int32('0+', { default: -1 }),
    partitionEpoch: int32('0+', { default: -1 }),
    directories: uuids('1+'),
    eligibleLeaderReplicas: int32s('2+', { nullable: '2+', tag: 1, default: null }),
    lastKnownElr: int32s('2+', { nullable: '2+', tag: 2, default: null }),
  },
  { apiKey: 3 },
);
