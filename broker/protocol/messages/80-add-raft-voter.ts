/** Makes an observer of the metadata quorum a voter. v1 may answer before the change is committed. */
import { api, bool, int16, int32, list, message, string, uint16, uuid } from '../schema.ts';

export default api({
  key: 80,
  name: 'AddRaftVoter',
  listeners: ['controller', 'broker'],
  request: message('0-1', '0+', {
    clusterId: string('0+', { nullable: '0+' }),
    timeoutMs: int32('0+'),
    voterId: int32('0+'),
    voterDirectoryId: uuid('0+'),
    listeners: list('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
    }),
    ackWhenCommitted: bool('1+', { default: true }),
  }),
  response: message('0-1', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', ignorable: true }),
  }),
});
