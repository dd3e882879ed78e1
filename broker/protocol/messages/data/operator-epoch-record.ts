/** Ottla's own: the epoch of the operator that acts now; requests under an earlier one are refused. */
import { data, int32, string } from '../../schema.ts';

export default data(
  'OperatorEpochRecord',
  '0',
  '0+',
  { operatorEpoch: int32('0+'), holder: string('0+') },
  { apiKey: 20002 },
);
