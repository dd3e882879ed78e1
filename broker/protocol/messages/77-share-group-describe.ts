/** Describes share groups, their members and what each reads. */
import { api, bool, int16, int32, int32s, list, message, string, strings, struct, uuid } from '../schema.ts';

export default api({
  key: 77,
  name: 'ShareGroupDescribe',
  listeners: ['broker'],
  request: message('1', '0+', {
    groupIds: strings('0+'),
    includeAuthorizedOperations: bool('0+'),
  }),
  response: message('1', '0+', {
    throttleTimeMs: int32('0+'),
    groups: list('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+', default: null }),
      groupId: string('0+'),
      groupState: string('0+'),
      groupEpoch: int32('0+'),
      assignmentEpoch: int32('0+'),
      assignorName: string('0+'),
      members: list('0+', {
        memberId: string('0+'),
        rackId: string('0+', { nullable: '0+', default: null }),
        memberEpoch: int32('0+'),
        clientId: string('0+'),
        clientHost: string('0+'),
        subscribedTopicNames: strings('0+'),
        assignment: struct('0+', {
          topicPartitions: list('0+', {
            topicId: uuid('0+'),
            topicName: string('0+'),
            partitions: int32s('0+'),
          }),
        }),
      }),
      authorizedOperations: int32('0+', { default: -0x80000000 }),
    }),
  }),
});
