/** What the leader of a classic consumer group assigns to a member; opaque to the broker. */
import { bytes, data, int32s, list, string } from '../../schema.ts';

export default data('ConsumerProtocolAssignment', '0-3', 'none', {
  assignedPartitions: list('0+', {
    topic: string('0+', { mapKey: true }),
    partitions: int32s('0+'),
  }),
  userData: bytes('0+', { nullable: '0+', default: null }),
});
