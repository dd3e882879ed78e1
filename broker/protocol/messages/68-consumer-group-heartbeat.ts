/**
 * Joins, keeps and leaves a group of the new protocol; the answer carries the member's assignment. v1 brings
 * regexes.
 */
import { api, int16, int32, int32s, list, message, string, strings, struct, uuid } from '../schema.ts';

const topicPartitions = {
  topicId: uuid('0+'),
  partitions: int32s('0+'),
};

export default api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  listeners: ['broker'],
  request: message('0-1', '0+', {
    groupId: string('0+'),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    instanceId: string('0+', { nullable: '0+', default: null }),
    rackId: string('0+', { nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    subscribedTopicNames: strings('0+', { nullable: '0+', default: null }),
    subscribedTopicRegex: string('1+', { nullable: '1+', default: null }),
    serverAssignor: string('0+', { nullable: '0+', default: null }),
    topicPartitions: list('0+', topicPartitions, { nullable: '0+', default: null }),
  }),
  response: message('0-1', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+', default: null }),
    memberEpoch: int32('0+'),
    heartbeatIntervalMs: int32('0+'),
    assignment: struct(
      '0+',
      {
        topicPartitions: list('0+', topicPartitions),
      },
      { nullable: '0+', default: null },
    ),
  }),
});
