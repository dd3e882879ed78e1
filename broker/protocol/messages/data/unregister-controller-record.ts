/** A controller left the cluster for good. */
import { data, int32 } from '../../schema.ts';

export default data('UnregisterControllerRecord', '0', '0+', { controllerId: int32('0+') }, { apiKey: 29 });
