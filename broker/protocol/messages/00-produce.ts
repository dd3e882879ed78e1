/**
 * Appends record batches to partitions. v9 is flexible, v10 tells producers of a new leader, v13 names topics by
 * id.
 */
import { api, int16, int32, int64, list, message, records, string, struct, uuid } from '../schema.ts';

export default api({
  key: 0,
  name: 'Produce',
  listeners: ['broker'],
  request: message('3-13', '9+', {
    transactionalId: string('3+', { nullable: '3+', default: null }),
    acks: int16('0+'),
    timeoutMs: int32('0+'),
    topicData: list('0+', {
      name: string('0-12', { mapKey: true, ignorable: true }),
      topicId: uuid('13+', { mapKey: true, ignorable: true }),
      partitionData: list('0+', {
        index: int32('0+'),
        records: records('0+', { nullable: '0+' }),
      }),
    }),
  }),
  response: message('3-13', '9+', {
    responses: list('0+', {
      name: string('0-12', { mapKey: true, ignorable: true }),
      topicId: uuid('13+', { mapKey: true, ignorable: true }),
      partitionResponses: list('0+', {
        index: int32('0+'),
        errorCode: int16('0+'),
        baseOffset: int64('0+'),
        logAppendTimeMs: int64('2+', { default: -1n, ignorable: true }),
        logStartOffset: int64('5+', { default: -1n, ignorable: true }),
        recordErrors: list(
          '8+',
          {
            batchIndex: int32('8+'),
            batchIndexErrorMessage: string('8+', {
              nullable: '8+',
              default: null,
            }),
          },
          { ignorable: true },
        ),
        errorMessage: string('8+', {
          nullable: '8+',
          default: null,
          ignorable: true,
        }),
        currentLeader: struct(
          '10+',
          {
            leaderId: int32('10+', { default: -1 }),
            leaderEpoch: int32('10+', { default: -1 }),
          },
          { tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    nodeEndpoints: list(
      '10+',
      {
        nodeId: int32('10+', { mapKey: true }),
        host: string('10+'),
        port: int32('10+'),
        rack: string('10+', { nullable: '10+', default: null }),
      },
      { tag: 0 },
    ),
  }),
});
