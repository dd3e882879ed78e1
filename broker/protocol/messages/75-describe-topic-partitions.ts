/** Describes topics page by page, with what eligible leader replicas add to Metadata's answer. */
import { api, bool, int16, int32, int32s, list, message, string, struct, uuid } from '../schema.ts';

const cursor = {
  topicName: string('0+'),
  partitionIndex: int32('0+'),
};

export default api({
  key: 75,
  name: 'DescribeTopicPartitions',
  listeners: ['broker'],
  request: message('0', '0+', {
    topics: list('0+', {
      name: string('0+'),
    }),
    responsePartitionLimit: int32('0+', { default: 2000 }),
    cursor: struct('0+', cursor, { nullable: '0+', default: null }),
  }),
  response: message('0', '0+', {
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: list('0+', {
      errorCode: int16('0+'),
      name: string('0+', { mapKey: true, nullable: '0+' }),
      topicId: uuid('0+', { ignorable: true }),
      isInternal: bool('0+', { ignorable: true }),
      partitions: list('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+', { default: -1, ignorable: true }),
        replicaNodes: int32s('0+'),
        isrNodes: int32s('0+'),
        eligibleLeaderReplicas: int32s('0+', { nullable: '0+', default: null }),
        lastKnownElr: int32s('0+', { nullable: '0+', default: null }),
        offlineReplicas: int32s('0+', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32('0+', { default: -0x80000000 }),
    }),
    nextCursor: struct('0+', cursor, { nullable: '0+', default: null }),
  }),
});
