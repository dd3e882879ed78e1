/** Describes streams groups, their members, tasks and topology. v1 can add the whole description of the topology. */
import {
  api,
  bool,
  int8,
  int16,
  int32,
  int32s,
  int64,
  list,
  message,
  string,
  strings,
  struct,
  uint16,
} from '../schema.ts';

const endpoint = {
  host: string('0+'),
  port: uint16('0+'),
};
const taskOffset = {
  subtopologyId: string('0+'),
  partition: int32('0+'),
  offset: int64('0+'),
};
const taskIds = {
  subtopologyId: string('0+'),
  partitions: int32s('0+'),
};
const assignment = {
  activeTasks: list('0+', taskIds),
  standbyTasks: list('0+', taskIds),
  warmupTasks: list('0+', taskIds),
};
const keyValue = {
  key: string('0+'),
  value: string('0+'),
};
const topicInfo = {
  name: string('0+'),
  partitions: int32('0+'),
  replicationFactor: int16('0+'),
  topicConfigs: list('0+', keyValue),
};
const topologyNode = {
  name: string('1+'),
  nodeType: int8('1+'),
  sourceTopics: strings('1+'),
  sinkTopic: string('1+', { nullable: '1+', default: null }),
  stores: strings('1+'),
  successors: strings('1+'),
};

export default api({
  key: 89,
  name: 'StreamsGroupDescribe',
  listeners: ['broker'],
  request: message('0-1', '0+', {
    groupIds: strings('0+'),
    includeAuthorizedOperations: bool('0+'),
    includeTopologyDescription: bool('1+'),
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
      topology: struct(
        '0+',
        {
          epoch: int32('0+'),
          subtopologies: list(
            '0+',
            {
              subtopologyId: string('0+'),
              sourceTopics: strings('0+'),
              repartitionSinkTopics: strings('0+'),
              stateChangelogTopics: list('0+', topicInfo),
              repartitionSourceTopics: list('0+', topicInfo),
            },
            { nullable: '0+', default: null },
          ),
        },
        { nullable: '0+', default: null },
      ),
      members: list('0+', {
        memberId: string('0+'),
        memberEpoch: int32('0+'),
        instanceId: string('0+', { nullable: '0+', default: null }),
        rackId: string('0+', { nullable: '0+', default: null }),
        clientId: string('0+'),
        clientHost: string('0+'),
        topologyEpoch: int32('0+'),
        processId: string('0+'),
        userEndpoint: struct('0+', endpoint, { nullable: '0+', default: null }),
        clientTags: list('0+', keyValue),
        taskOffsets: list('0+', taskOffset),
        taskEndOffsets: list('0+', taskOffset),
        assignment: struct('0+', assignment),
        targetAssignment: struct('0+', assignment),
        isClassic: bool('0+'),
      }),
      authorizedOperations: int32('0+', { default: -0x80000000 }),
      topologyDescription: struct(
        '1+',
        {
          subtopologies: list('1+', {
            subtopologyId: string('1+'),
            nodes: list('1+', topologyNode),
          }),
          globalStores: list('1+', {
            source: struct('1+', topologyNode),
            processor: struct('1+', topologyNode),
          }),
        },
        { nullable: '1+', default: null },
      ),
      topologyDescriptionStatus: int8('1+'),
      assignorName: string('1+', { nullable: '1+', default: null, ignorable: true }),
    }),
  }),
});
