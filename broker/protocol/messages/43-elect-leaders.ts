/** Has leaders elected now: the preferred ones, or from v1 on any live replica. */
import { api, int8, int16, int32, int32s, list, message, string } from '../schema.ts';

export default api({
  key: 43,
  name: 'ElectLeaders',
  listeners: ['broker', 'controller'],
  request: message('0-2', '2+', {
    electionType: int8('1+'),
    topicPartitions: list(
      '0+',
      {
        topic: string('0+', { mapKey: true }),
        partitions: int32s('0+'),
      },
      { nullable: '0+' },
    ),
    timeoutMs: int32('0+', { default: 60_000 }),
  }),
  response: message('0-2', '2+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('1+'),
    replicaElectionResults: list('0+', {
      topic: string('0+'),
      partitionResult: list('0+', {
        partitionId: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      }),
    }),
  }),
});
