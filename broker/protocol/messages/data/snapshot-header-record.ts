/** The control record that opens a snapshot: when the last record in it was appended. */
import { data, int16, int64 } from '../../schema.ts';

export default data('SnapshotHeaderRecord', '0', '0+', {
  version: int16('0+'),
  lastContainedLogTimestamp: int64('0+'),
});
