/** Creates topics, or only checks whether they could be. The answer holds the new topic's settings from v5 on. */
import { api, bool, int8, int16, int32, int32s, list, message, string, uuid } from '../schema.ts';

export default api({
  key: 19,
  name: 'CreateTopics',
  listeners: ['broker', 'controller'],
  request: message('2-7', '5+', {
    topics: list('0+', {
      name: string('0+', { mapKey: true }),
      numPartitions: int32('0+'),
      replicationFactor: int16('0+'),
      assignments: list('0+', {
        partitionIndex: int32('0+', { mapKey: true }),
        brokerIds: int32s('0+'),
      }),
      configs: list('0+', {
        name: string('0+', { mapKey: true }),
        value: string('0+', { nullable: '0+' }),
      }),
    }),
    timeoutMs: int32('0+', { default: 60_000 }),
    validateOnly: bool('1+'),
  }),
  response: message('2-7', '5+', {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: list('0+', {
      name: string('0+', { mapKey: true }),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16('0+'),
      errorMessage: string('1+', { nullable: '0+', ignorable: true }),
      topicConfigErrorCode: int16('5+', { tag: 0, ignorable: true }),
      numPartitions: int32('5+', { default: -1, ignorable: true }),
      replicationFactor: int16('5+', { default: -1, ignorable: true }),
      configs: list(
        '5+',
        {
          name: string('5+'),
          value: string('5+', { nullable: '5+' }),
          readOnly: bool('5+'),
          configSource: int8('5+', { default: -1, ignorable: true }),
          isSensitive: bool('5+'),
        },
        { nullable: '5+', ignorable: true },
      ),
    }),
  }),
});
