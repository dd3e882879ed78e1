/** Nothing; a batch that only claims or proves its offset. */
import { data } from '../../schema.ts';

export default data('NoOpRecord', '0', '0+', {}, { apiKey: 20 });
