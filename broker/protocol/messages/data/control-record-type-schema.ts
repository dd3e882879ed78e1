/** The key of every control record: what kind of mark it is. */
import { data, int16 } from '../../schema.ts';

export default data('ControlRecordTypeSchema', '0', 'none', {
  type: int16('0+'),
});
