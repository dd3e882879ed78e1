/** A consumer group's member: who it is and what it subscribes to, in the new protocol or the classic one. */
import { bytes, data, int32, list, string, strings, struct } from '../../schema.ts';

export default data(
  'ConsumerGroupMemberMetadataValue',
  '0',
  '0+',
  {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: strings('0+'),
    subscribedTopicRegex: string('0+', { nullable: '0+' }),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    serverAssignor: string('0+', { nullable: '0+' }),
    classicMemberMetadata: struct(
      '0+',
      {
        sessionTimeoutMs: int32('0+'),
        supportedProtocols: list('0+', {
          name: string('0+'),
          metadata: bytes('0+'),
        }),
      },
      { nullable: '0+', tag: 0, default: null },
    ),
  },
  { apiKey: 5 },
);
