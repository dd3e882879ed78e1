/** Asks a voter of the metadata quorum for its vote. v1 names voters by directory too, v2 brings the trial vote. */
import { api, bool, int16, int32, int64, list, message, string, uint16, uuid } from '../schema.ts';

export default api({
  key: 52,
  name: 'Vote',
  listeners: ['controller'],
  request: message('0-2', '0+', {
    clusterId: string('0+', { nullable: '0+', default: null }),
    voterId: int32('1+', { default: -1, ignorable: true }),
    topics: list('0+', {
      topicName: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        replicaEpoch: int32('0+'),
        replicaId: int32('0+'),
        replicaDirectoryId: uuid('1+', { ignorable: true }),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        lastOffsetEpoch: int32('0+'),
        lastOffset: int64('0+'),
        preVote: bool('2+'),
      }),
    }),
  }),
  response: message('0-2', '0+', {
    errorCode: int16('0+'),
    topics: list('0+', {
      topicName: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        voteGranted: bool('0+'),
      }),
    }),
    nodeEndpoints: list(
      '1+',
      {
        nodeId: int32('1+', { mapKey: true }),
        host: string('1+'),
        port: uint16('1+'),
      },
      { tag: 0 },
    ),
  }),
});
