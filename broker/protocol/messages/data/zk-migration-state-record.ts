/** How far a move away from ZooKeeper is; never written by us. */
import { data, int8 } from '../../schema.ts';

export default data('ZkMigrationStateRecord', '0', '0+', { zkMigrationState: int8('0+') }, { apiKey: 21 });
