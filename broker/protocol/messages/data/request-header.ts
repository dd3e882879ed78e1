/**
 * Precedes every request. The client id keeps its old encoding in v2, so that it can be read before the version is
 * known.
 */
import { data, int16, int32, string } from '../../schema.ts';

export default data('RequestHeader', '1-2', '2+', {
  requestApiKey: int16('0+'),
  requestApiVersion: int16('0+'),
  correlationId: int32('0+'),
  clientId: string('1+', { nullable: '1+', flexible: 'none' }),
  /** Ottla's own: the term of the operator that sends the request. One whose term is over is refused. */
  operatorEpoch: int32('2+', { tag: 20000, default: -1 }),
});
