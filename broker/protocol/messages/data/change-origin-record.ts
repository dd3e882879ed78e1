/** Ottla's own: who asked for the records that follow it in its batch, so that a change can be told to its author. */
import { data, int16, string } from '../../schema.ts';

export default data(
  'ChangeOriginRecord',
  '0',
  '0+',
  {
    principal: string('0+'),
    host: string('0+'),
    clientId: string('0+', { nullable: '0+' }),
    requestApiKey: int16('0+'),
  },
  { apiKey: 20003 },
);
