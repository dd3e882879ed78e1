/** The value of the control record that commits or aborts a transaction. */
import { data, int32 } from '../../schema.ts';

export default data('EndTxnMarker', '0', 'none', {
  coordinatorEpoch: int32('0+'),
});
