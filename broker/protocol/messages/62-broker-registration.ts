/** Registers a starting broker with the controller, which answers with the broker's epoch. */
import { api, bool, int16, int32, int64, list, message, string, uint16, uuid, uuids } from '../schema.ts';

export default api({
  key: 62,
  name: 'BrokerRegistration',
  listeners: ['controller'],
  request: message('0-4', '0+', {
    brokerId: int32('0+'),
    clusterId: string('0+'),
    incarnationId: uuid('0+'),
    listeners: list('0+', {
      name: string('0+', { mapKey: true }),
      host: string('0+'),
      port: uint16('0+'),
      securityProtocol: int16('0+'),
    }),
    features: list('0+', {
      name: string('0+', { mapKey: true }),
      minSupportedVersion: int16('0+'),
      maxSupportedVersion: int16('0+'),
    }),
    rack: string('0+', { nullable: '0+' }),
    isMigratingZkBroker: bool('1+'),
    logDirs: uuids('2+', { ignorable: true }),
    previousBrokerEpoch: int64('3+', { default: -1n, ignorable: true }),
    // Ottla's own: how far the broker has read the metadata log, and whose term it read last.
    metadataOffset: int64('0+', { tag: 20000, default: 0n }),
    metadataControllerEpoch: int32('0+', { tag: 20001, default: 0 }),
    metadataTermId: uuid('0+', { tag: 20002 }),
  }),
  response: message('0-4', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    brokerEpoch: int64('0+', { default: -1n }),
  }),
});
