/** Reads the settings of topics, brokers, groups and client metrics, with where each value comes from. */
import { api, bool, int8, int16, int32, list, message, string, strings } from '../schema.ts';

export default api({
  key: 32,
  name: 'DescribeConfigs',
  listeners: ['broker', 'controller'],
  request: message('1-4', '4+', {
    resources: list('0+', {
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configurationKeys: strings('0+', { nullable: '0+' }),
    }),
    includeSynonyms: bool('1+'),
    includeDocumentation: bool('3+'),
  }),
  response: message('1-4', '4+', {
    throttleTimeMs: int32('0+'),
    results: list('0+', {
      errorCode: int16('0+'),
      errorMessage: string('0+', { nullable: '0+' }),
      resourceType: int8('0+'),
      resourceName: string('0+'),
      configs: list('0+', {
        name: string('0+'),
        value: string('0+', { nullable: '0+' }),
        readOnly: bool('0+'),
        configSource: int8('1+', { default: -1, ignorable: true }),
        isSensitive: bool('0+'),
        synonyms: list(
          '1+',
          {
            name: string('1+'),
            value: string('1+', { nullable: '0+' }),
            source: int8('1+'),
          },
          { ignorable: true },
        ),
        configType: int8('3+', { ignorable: true }),
        documentation: string('3+', { nullable: '0+', ignorable: true }),
      }),
    }),
  }),
});
