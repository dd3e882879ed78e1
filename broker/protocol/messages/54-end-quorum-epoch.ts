/** Tells voters that the quorum's leader resigns, and who should follow it. */
import { api, int16, int32, int32s, list, message, string, uint16, uuid } from '../schema.ts';

export default api({
  key: 54,
  name: 'EndQuorumEpoch',
  listeners: ['controller'],
  request: message('0-1', '1+', {
    clusterId: string('0+', { nullable: '0+', default: null }),
    topics: list('0+', {
      topicName: string('0+'),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        leaderId: int32('0+'),
        leaderEpoch: int32('0+'),
        preferredSuccessors: int32s('0', { ignorable: true }),
        preferredCandidates: list(
          '1+',
          {
            candidateId: int32('1+'),
            candidateDirectoryId: uuid('1+'),
          },
          { ignorable: true },
        ),
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
