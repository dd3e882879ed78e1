/** Enlists a group's offsets partition in a transaction. */
import { api, int16, int32, int64, message, string } from '../schema.ts';

export default api({
  key: 25,
  name: 'AddOffsetsToTxn',
  listeners: ['broker'],
  request: message('0-4', '3+', {
    transactionalId: string('0+'),
    producerId: int64('0+'),
    producerEpoch: int16('0+'),
    groupId: string('0+'),
  }),
  response: message('0-4', '3+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
  }),
});
