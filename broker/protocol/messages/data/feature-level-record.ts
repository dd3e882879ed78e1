/** A feature was finalized at a level; 0 removes it. */
import { data, int16, string } from '../../schema.ts';

export default data('FeatureLevelRecord', '0', '0+', { name: string('0+'), featureLevel: int16('0+') }, { apiKey: 12 });
