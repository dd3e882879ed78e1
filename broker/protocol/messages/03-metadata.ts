/**
 * Tells a client which brokers there are and who leads what. v10 brings topic ids, v13 an error for the whole
 * answer.
 */
import { api, bool, int16, int32, int32s, list, message, string, uuid } from '../schema.ts';

export default api({
  key: 3,
  name: 'Metadata',
  listeners: ['broker'],
  request: message('0-13', '9+', {
    topics: list(
      '0+',
      {
        topicId: uuid('10+', { ignorable: true }),
        name: string('0+', { nullable: '10+' }),
      },
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool('4+', { default: true }),
    includeClusterAuthorizedOperations: bool('8-10'),
    includeTopicAuthorizedOperations: bool('8+'),
  }),
  response: message('0-13', '9+', {
    throttleTimeMs: int32('3+', { ignorable: true }),
    brokers: list('0+', {
      nodeId: int32('0+', { mapKey: true }),
      host: string('0+'),
      port: int32('0+'),
      rack: string('1+', { nullable: '1+', default: null, ignorable: true }),
    }),
    clusterId: string('2+', { nullable: '2+', default: null, ignorable: true }),
    controllerId: int32('1+', { default: -1, ignorable: true }),
    topics: list('0+', {
      errorCode: int16('0+'),
      name: string('0+', { mapKey: true, nullable: '12+' }),
      topicId: uuid('10+', { ignorable: true }),
      isInternal: bool('1+', { ignorable: true }),
      partitions: list('0+', {
        errorCode: int16('0+'),
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('7+', { default: -1, ignorable: true }),
        replicaNodes: int32s('0+'),
        isrNodes: int32s('0+'),
        offlineReplicas: int32s('5+', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32('8+', { default: -0x80000000 }),
    }),
    clusterAuthorizedOperations: int32('8-10', { default: -0x80000000 }),
    errorCode: int16('13+', { ignorable: true }),
  }),
});
