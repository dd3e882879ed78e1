/** Ottla's own: names the cluster. The first batch of the log holds it, and every data folder must agree with it. */
import { data, string } from '../../schema.ts';

export default data('ClusterRecord', '0', '0+', { clusterId: string('0+') }, { apiKey: 20000 });
