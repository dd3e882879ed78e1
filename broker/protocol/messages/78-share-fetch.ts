/** Acquires records for a share group's member, and acknowledges earlier ones. v2 brings acquire modes and renewal. */
import {
  api,
  bool,
  int8,
  int8s,
  int16,
  int32,
  int32s,
  int64,
  list,
  message,
  records,
  string,
  struct,
  uuid,
} from '../schema.ts';

export default api({
  key: 78,
  name: 'ShareFetch',
  listeners: ['broker'],
  request: message('1-2', '0+', {
    groupId: string('0+', { nullable: '0+', default: null }),
    memberId: string('0+', { nullable: '0+' }),
    shareSessionEpoch: int32('0+'),
    maxWaitMs: int32('0+'),
    minBytes: int32('0+'),
    maxBytes: int32('0+', { default: 0x7fffffff }),
    maxRecords: int32('1+'),
    batchSize: int32('1+'),
    shareAcquireMode: int8('2+', { ignorable: true }),
    isRenewAck: bool('2+'),
    topics: list('0+', {
      topicId: uuid('0+', { mapKey: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+', { mapKey: true }),
        partitionMaxBytes: int32('0'),
        acknowledgementBatches: list('0+', {
          firstOffset: int64('0+'),
          lastOffset: int64('0+'),
          acknowledgeTypes: int8s('0+'),
        }),
      }),
    }),
    forgottenTopicsData: list('0+', {
      topicId: uuid('0+'),
      partitions: int32s('0+'),
    }),
  }),
  response: message('1-2', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    acquisitionLockTimeoutMs: int32('1+'),
    responses: list('0+', {
      topicId: uuid('0+', { mapKey: true }),
      partitions: list('0+', {
        partitionIndex: int32('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+', default: null }),
        acknowledgeErrorCode: int16('0+'),
        acknowledgeErrorMessage: string('0+', { nullable: '0+', default: null }),
        currentLeader: struct('0+', {
          leaderId: int32('0+'),
          leaderEpoch: int32('0+'),
        }),
        records: records('0+', { nullable: '0' }),
        acquiredRecords: list('0+', {
          firstOffset: int64('0+'),
          lastOffset: int64('0+'),
          deliveryCount: int16('0+'),
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
