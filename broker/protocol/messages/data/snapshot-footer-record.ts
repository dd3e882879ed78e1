/** The control record that ends a snapshot; without it the snapshot is not whole. */
import { data, int16 } from '../../schema.ts';

export default data('SnapshotFooterRecord', '0', '0+', {
  version: int16('0+'),
});
