/** Joins, keeps and leaves a streams group, and hands out its tasks. v1 asks for the description of the topology. */
import {
  api,
  bool,
  int8,
  int16,
  int16s,
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
const topicPartition = {
  topic: string('0+'),
  partitions: int32s('0+'),
};

export default api({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  listeners: ['broker'],
  request: message('0-1', '0+', {
    groupId: string('0+'),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    endpointInformationEpoch: int32('0+'),
    instanceId: string('0+', { nullable: '0+', default: null }),
    rackId: string('0+', { nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    topology: struct(
      '0+',
      {
        epoch: int32('0+'),
        subtopologies: list('0+', {
          subtopologyId: string('0+'),
          sourceTopics: strings('0+'),
          sourceTopicRegex: strings('0+'),
          stateChangelogTopics: list('0+', topicInfo),
          repartitionSinkTopics: strings('0+'),
          repartitionSourceTopics: list('0+', topicInfo),
          copartitionGroups: list('0+', {
            sourceTopics: int16s('0+'),
            sourceTopicRegex: int16s('0+'),
            repartitionSourceTopics: int16s('0+'),
          }),
        }),
      },
      { nullable: '0+', default: null },
    ),
    activeTasks: list('0+', taskIds, { nullable: '0+', default: null }),
    standbyTasks: list('0+', taskIds, { nullable: '0+', default: null }),
    warmupTasks: list('0+', taskIds, { nullable: '0+', default: null }),
    processId: string('0+', { nullable: '0+', default: null }),
    userEndpoint: struct('0+', endpoint, { nullable: '0+', default: null }),
    clientTags: list('0+', keyValue, { nullable: '0+', default: null }),
    taskOffsets: list('0+', taskOffset, { nullable: '0+', default: null }),
    taskEndOffsets: list('0+', taskOffset, { nullable: '0+', default: null }),
    shutdownApplication: bool('0+'),
  }),
  response: message('0-1', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+'),
    memberEpoch: int32('0+'),
    heartbeatIntervalMs: int32('0+'),
    acceptableRecoveryLagLegacy: int32('0'),
    taskOffsetIntervalMs: int32('0+'),
    acceptableRecoveryLag: int64('1+', { default: -1n, ignorable: true }),
    status: list(
      '0+',
      {
        statusCode: int8('0+'),
        statusDetail: string('0+'),
      },
      { nullable: '0+' },
    ),
    activeTasks: list('0+', taskIds, { nullable: '0+', default: null }),
    standbyTasks: list('0+', taskIds, { nullable: '0+', default: null }),
    warmupTasks: list('0+', taskIds, { nullable: '0+', default: null }),
    topologyDescriptionRequired: bool('1+'),
    endpointInformationEpoch: int32('0+'),
    partitionsByUserEndpoint: list(
      '0+',
      {
        userEndpoint: struct('0+', endpoint),
        activePartitions: list('0+', topicPartition),
        standbyPartitions: list('0+', topicPartition),
      },
      { nullable: '0+', default: null },
    ),
  }),
});
