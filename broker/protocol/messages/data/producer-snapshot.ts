/** The file beside a segment that holds what the partition knew of its producers when the segment began. */
import { data, int16, int32, int64, list, uint32 } from '../../schema.ts';

export default data('ProducerSnapshot', '1', 'none', {
  crc: uint32('1'),
  producerEntries: list('1', {
    producerId: int64('1'),
    epoch: int16('1'),
    lastSequence: int32('1'),
    lastOffset: int64('1'),
    offsetDelta: int32('1'),
    timestamp: int64('1'),
    coordinatorEpoch: int32('1'),
    currentTxnFirstOffset: int64('1'),
  }),
});
