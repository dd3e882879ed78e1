/** Names the regular expression whose matches a record of __consumer_offsets holds. */
import { data, string } from '../../schema.ts';

export default data(
  'ConsumerGroupRegularExpressionKey',
  '0',
  'none',
  {
    groupId: string('0'),
    regularExpression: string('0'),
  },
  { apiKey: 16 },
);
