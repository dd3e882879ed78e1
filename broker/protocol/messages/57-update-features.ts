/** Raises or lowers the cluster's finalized features. v1 brings dry runs, v2 drops the results per feature. */
import { api, bool, int8, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 57,
  name: 'UpdateFeatures',
  listeners: ['broker', 'controller'],
  request: message('0-2', '0+', {
    timeoutMs: int32('0+', { default: 60_000 }),
    featureUpdates: list('0+', {
      feature: string('0+', { mapKey: true }),
      maxVersionLevel: int16('0+'),
      allowDowngrade: bool('0'),
      upgradeType: int8('1+', { default: 1 }),
    }),
    validateOnly: bool('1+'),
  }),
  response: message('0-2', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    results: list(
      '0-1',
      {
        feature: string('0+', { mapKey: true }),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      },
      { ignorable: true },
    ),
  }),
});
