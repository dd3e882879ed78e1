/** Describes groups of the new consumer protocol. v1 tells classic members from new ones. */
import { api, bool, int8, int16, int32, int32s, list, message, string, strings, struct, uuid } from '../schema.ts';

const assignment = {
  topicPartitions: list('0+', {
    topicId: uuid('0+'),
    topicName: string('0+'),
    partitions: int32s('0+'),
  }),
};

export default api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  listeners: ['broker'],
  request: message('0-1', '0+', {
    groupIds: strings('0+'),
    includeAuthorizedOperations: bool('0+'),
  }),
  response: message('0-1', '0+', {
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
        instanceId: string('0+', { nullable: '0+', default: null }),
        rackId: string('0+', { nullable: '0+', default: null }),
        memberEpoch: int32('0+'),
        clientId: string('0+'),
        clientHost: string('0+'),
        subscribedTopicNames: strings('0+'),
        subscribedTopicRegex: string('0+', { nullable: '0+', default: null }),
        assignment: struct('0+', assignment),
        targetAssignment: struct('0+', assignment),
        memberType: int8('1+', { default: -1, ignorable: true }),
      }),
      authorizedOperations: int32('0+', { default: -0x80000000 }),
    }),
  }),
});
