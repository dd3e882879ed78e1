/** Announces a newly elected leader of the metadata quorum to a voter. */
import { api, int16, int32, list, message, string, uint16, uuid } from '../schema.ts';

export default api({
  key: 53,
  name: 'BeginQuorumEpoch',
  listeners: ['controller'],
  request: message('0-1', '1+', {
    clusterId: string('0+', { nullable: '0+', default: null }),
    voterId: int32('1+', { default: -1, ignorable: true }),
    topics: list('0+', {
      topicName: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        voterDirectoryId: uuid('1+', { ignorable: true }),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
      }),
    }),
    leaderEndpoints: list(
      '1+',
      {
        name: string('1+', { mapKey: true }),
        host: string('1+'),
        port: uint16('1+'),
      },
      { ignorable: true },
    ),
  }),
  response: message('0-1', '1+', {
    errorCode: int16('0+'),
    topics: list('0+', {
      topicName: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
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
