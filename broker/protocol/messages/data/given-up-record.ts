/** Ottla's own: stands at an offset that a restore passed over. What counts up to there is in the snapshot. */
import { data } from '../../schema.ts';

export default data('GivenUpRecord', '0', '0+', {}, { apiKey: 20005 });
