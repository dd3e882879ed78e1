/** Acknowledges, releases or rejects acquired records without fetching more. v2 can renew their locks. */
import { api, bool, int8s, int16, int32, int64, list, message, string, struct, uuid } from '../schema.ts';

export default api({
  key: 79,
  name: 'ShareAcknowledge',
  listeners: ['broker'],
  request: message('1-2', '0+', {
    groupId: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+' }),
    shareSessionEpoch: int32('0+'),
    isRenewAck: bool('2+'),
    topics: list('0+', {
      topicId: uuid('0+', { mapKey: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+', { mapKey: true }),
        acknowledgementBatches: list('0+', {
          firstOffset: int64('0+'),
          lastOffset: int64('0+'),
          acknowledgeTypes: int8s('0+'),
        }),
      }),
    }),
  }),
  response: message('1-2', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    acquisitionLockTimeoutMs: int32('2+', { ignorable: true }),
    responses: list('0+', {
      topicId: uuid('0+', { mapKey: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        currentLeader: struct('0+', {
          leaderId: int32('0+'),
          leaderEpoch: int32('0+'),
        }),
      }),
    }),
    nodeEndpoints: list('0+', {
      nodeId: int32('0+', { mapKey: true }),
      host: string('0+'),
      port: int32('0+'),
      rack: string('0+', { nullable: '0+', default: null }),
    }),
  }),
});
