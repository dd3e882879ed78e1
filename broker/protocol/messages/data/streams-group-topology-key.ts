/** Names the streams group whose topology a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'StreamsGroupTopologyKey',
  '0',
  'none',
  {
    groupId: string('0'),
  },
  { apiKey: 23 },
);
