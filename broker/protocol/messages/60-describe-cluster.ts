/** Tells which nodes the cluster has: brokers, or from v1 on controllers. v2 can include fenced brokers. */
import { api, bool, int8, int16, int32, list, message, string } from '../schema.ts';

export default api({
  key: 60,
  name: 'DescribeCluster',
  listeners: ['broker', 'controller'],
  request: message('0-2', '0+', {
    includeClusterAuthorizedOperations: bool('0+'),
    endpointType: int8('1+', { default: 1 }),
    includeFencedBrokers: bool('2+'),
  }),
  response: message('0-2', '0+', {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+', default: null }),
    endpointType: int8('1+', { default: 1 }),
    clusterId: string('0+'),
    controllerId: int32('0+', { default: -1 }),
    brokers: list('0+', {
      brokerId: int32('0+', { mapKey: true }),
      host: string('0+'),
      port: int32('0+'),
      rack: string('0+', { nullable: '0+', default: null }),
      isFenced: bool('2+'),
    }),
    clusterAuthorizedOperations: int32('0+', { default: -0x80000000 }),
  }),
});
