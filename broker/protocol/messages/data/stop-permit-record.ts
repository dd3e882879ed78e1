/**
 * Ottla's own: the permit to stop that one incarnation of a broker holds, or its end. It stands in the log beside in-
 * sync sets and reassignments, so that none of them can change under it unseen.
 */
import { bool, data, int32, int64, string } from '../../schema.ts';

export default data(
  'StopPermitRecord',
  '0',
  '0+',
  {
    brokerId: int32('0+'),
    brokerEpoch: int64('0+'),
    podUid: string('0+', { nullable: '0+' }),
    isGranted: bool('0+'),
  },
  { apiKey: 20001 },
);
