/** A delegation token was issued or changed. */
import { data, int64, string, strings } from '../../schema.ts';

export default data(
  'DelegationTokenRecord',
  '0',
  '0+',
  {
    owner: string('0+'),
    requester: string('0+'),
    renewers: strings('0+'),
    issueTimestamp: int64('0+'),
    maxTimestamp: int64('0+'),
    expirationTimestamp: int64('0+'),
    tokenId: string('0+'),
  },
  { apiKey: 10 },
);
