/** An ACL was removed. */
import { data, uuid } from '../../schema.ts';

export default data('RemoveAccessControlEntryRecord', '0', '0+', { id: uuid('0+') }, { apiKey: 19 });
