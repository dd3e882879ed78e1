/** One entry of a segment's transaction index: an aborted transaction, for readers of committed records to skip. */
import { data, int64 } from '../../schema.ts';

export default data('AbortedTxn', '0', 'none', {
  producerId: int64('0+'),
  firstOffset: int64('0+'),
  lastOffset: int64('0+'),
  lastStableOffset: int64('0+'),
});
