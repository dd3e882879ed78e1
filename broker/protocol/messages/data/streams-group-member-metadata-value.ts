/** A streams group's member: who it is, in which process it runs and where its state can be queried. */
import { data, int32, list, string, struct, uint16 } from '../../schema.ts';

export default data(
  'StreamsGroupMemberMetadataValue',
  '0',
  '0+',
  {
    instanceId: string('0+', { nullable: '0+' }),
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    topologyEpoch: int32('0+'),
    processId: string('0+'),
    userEndpoint: struct(
      '0+',
      {
        host: string('0+'),
        port: uint16('0+'),
      },
      { nullable: '0+', default: null },
    ),
    clientTags: list('0+', {
      key: string('0+'),
      value: string('0+'),
    }),
  },
  { apiKey: 19 },
);
