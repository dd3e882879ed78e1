/** Opens a connection: which APIs and features the node speaks. The answer to an unknown version is written as v0. */
import { api, bool, int16, int32, int64, list, message, string } from '../schema.ts';

export default api({
  key: 18,
  name: 'ApiVersions',
  listeners: ['broker', 'controller'],
  request: message('0-5', '3+', {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
    clusterId: string('5+', { nullable: '5+', default: null, ignorable: true }),
    nodeId: int32('5+', { default: -1, ignorable: true }),
  }),
  response: message('0-5', '3+', {
    errorCode: int16('0+'),
    apiKeys: list('0+', {
      apiKey: int16('0+', { mapKey: true }),
      minVersion: int16('0+'),
      maxVersion: int16('0+'),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: list(
      '3+',
      {
        name: string('3+', { mapKey: true }),
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      { tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64('3+', {
      tag: 1,
      default: -1n,
      ignorable: true,
    }),
    finalizedFeatures: list(
      '3+',
      {
        name: string('3+', { mapKey: true }),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool('3+', { tag: 3, ignorable: true }),
  }),
});
