/** The topics a group's regular expression matched, and in which version of the metadata. */
import { data, int64, strings } from '../../schema.ts';

export default data(
  'ConsumerGroupRegularExpressionValue',
  '0',
  '0+',
  {
    topics: strings('0+'),
    version: int64('0+'),
    timestamp: int64('0+'),
  },
  { apiKey: 16 },
);
