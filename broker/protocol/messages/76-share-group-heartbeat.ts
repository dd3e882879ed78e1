/** Joins, keeps and leaves a share group; the answer carries the member's assignment. */
import { api, int16, int32, int32s, list, message, string, strings, struct, uuid } from '../schema.ts';

export default api({
  key: 76,
  name: 'ShareGroupHeartbeat',
  listeners: ['broker'],
  request: message('1', '0+', {
    groupId: string('0+'),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    rackId: string('0+', { nullable: '0+', default: null }),
    subscribedTopicNames: strings('0+', { nullable: '0+', default: null }),
  }),
  response: message('1', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+', default: null }),
    memberEpoch: int32('0+'),
    heartbeatIntervalMs: int32('0+'),
    assignment: struct(
      '0+',
      {
        topicPartitions: list('0+', {
          topicId: uuid('0+'),
          partitions: int32s('0+'),
        }),
      },
      { nullable: '0+', default: null },
    ),
  }),
});
