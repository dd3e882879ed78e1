/** Tells how the metadata quorum stands: leader, voters, observers and how far each has read. */
import { api, int16, int32, int64, list, message, string, uint16, uuid } from '../schema.ts';

const replicaState = {
  replicaId: int32('0+'),
  replicaDirectoryId: uuid('2+'),
  logEndOffset: int64('0+'),
  lastFetchTimestamp: int64('1+', { default: -1n, ignorable: true }),
  lastCaughtUpTimestamp: int64('1+', { default: -1n, ignorable: true }),
};

export default api({
  key: 55,
  name: 'DescribeQuorum',
  listeners: ['broker', 'controller'],
  request: message('0-2', '0+', {
    topics: list('0+', {
      topicName: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
      }),
    }),
  }),
  response: message('0-2', '0+', {
    errorCode: int16('0+'),
    errorMessage: string('2+', { nullable: '2+', ignorable: true }),
    topics: list('0+', {
      topicName: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('2+', { nullable: '2+', ignorable: true }),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        highWatermark: int64('0+'),
        currentVoters: list('0+', replicaState),
        observers: list('0+', replicaState),
      }),
    }),
    nodes: list('2+', {
      nodeId: int32('2+', { mapKey: true }),
      listeners: list('2+', {
        name: string('2+', { mapKey: true }),
        host: string('2+'),
        port: uint16('2+'),
      }),
    }),
  }),
});
