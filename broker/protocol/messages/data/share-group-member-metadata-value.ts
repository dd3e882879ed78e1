/** A share group's member: who it is and what it subscribes to. */
import { data, string, strings } from '../../schema.ts';

export default data(
  'ShareGroupMemberMetadataValue',
  '0',
  '0+',
  {
    rackId: string('0+', { nullable: '0+' }),
    clientId: string('0+'),
    clientHost: string('0+'),
    subscribedTopicNames: strings('0+'),
  },
  { apiKey: 10 },
);
