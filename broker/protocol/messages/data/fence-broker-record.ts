/** A broker was fenced. */
import { data, int32, int64 } from '../../schema.ts';

export default data('FenceBrokerRecord', '0', '0+', { id: int32('0+'), epoch: int64('0+') }, { apiKey: 7 });
