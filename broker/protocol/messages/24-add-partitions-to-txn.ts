/** Enlists partitions in a transaction. From v4 on brokers ask about many transactions at once, or only verify them. */
import { api, bool, int16, int32, int32s, int64, list, message, string } from '../schema.ts';

const topic = {
  name: string('0+', { mapKey: true }),
  partitions: int32s('0+'),
};
const topicResult = {
  name: string('0+', { mapKey: true }),
  resultsByPartition: list('0+', {
    partitionIndex: int32('0+', { mapKey: true }),
    partitionErrorCode: int16('0+'),
  }),
};

export default api({
  key: 24,
  name: 'AddPartitionsToTxn',
  listeners: ['broker'],
  request: message('0-5', '3+', {
    transactions: list('4+', {
      transactionalId: string('4+', { mapKey: true }),
      producerId: int64('4+'),
      producerEpoch: int16('4+'),
      verifyOnly: bool('4+'),
      topics: list('4+', topic),
    }),
    v3AndBelowTransactionalId: string('0-3'),
    v3AndBelowProducerId: int64('0-3'),
    v3AndBelowProducerEpoch: int16('0-3'),
    v3AndBelowTopics: list('0-3', topic),
  }),
  response: message('0-5', '3+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('4+', { ignorable: true }),
    resultsByTransaction: list('4+', {
      transactionalId: string('4+', { mapKey: true }),
      topicResults: list('4+', topicResult),
    }),
    resultsByTopicV3AndBelow: list('0-3', topicResult),
  }),
});
