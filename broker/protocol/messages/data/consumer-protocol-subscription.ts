/** What a member of a classic consumer group wants to read. v1 brings owned partitions, v2 their age, v3 the rack. */
import { bytes, data, int32, int32s, list, string, strings } from '../../schema.ts';

export default data('ConsumerProtocolSubscription', '0-3', 'none', {
  topics: strings('0+'),
  userData: bytes('0+', { nullable: '0+', default: null }),
  ownedPartitions: list(
    '1+',
    {
      topic: string('1+', { mapKey: true }),
      partitions: int32s('1+'),
    },
    { ignorable: true },
  ),
  generationId: int32('2+', { default: -1, ignorable: true }),
  rackId: string('3+', { nullable: '3+', default: null, ignorable: true }),
});
