/** The records since the last BeginTransactionRecord take effect. */
import { data } from '../../schema.ts';

export default data('EndTransactionRecord', '0', '0+', {}, { apiKey: 24 });
