/** Ottla's own: who asked for the next `recordCount` records, so that a change can be told to its author. */
import { data, int16, int32, string } from '../../schema.ts';

export default data(
  'ChangeOriginRecord',
  '0',
  '0+',
  {
    principal: string('0+'),
    host: string('0+'),
    clientId: string('0+', { nullable: '0+' }),
    requestApiKey: int16('0+'),
    recordCount: int32('0+'),
  },
  { apiKey: 20003 },
);
