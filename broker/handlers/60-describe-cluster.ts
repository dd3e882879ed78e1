/**
 * DescribeCluster (key 60), versions 0-2.
 *
 * Behaviour
 * - the brokers and the cluster id; controllers have no endpoints of their own here: UNSUPPORTED_ENDPOINT_TYPE
 *
 * Versions
 * - 1: endpoint type
 * - 2: fenced brokers on request
 */
import {
  type DescribeClusterRequest,
  readDescribeClusterRequest,
} from '../protocol/generated/describe-cluster-request.ts';
import {
  type DescribeClusterResponseInit,
  writeDescribeClusterResponse,
} from '../protocol/generated/describe-cluster-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { CLUSTER_OPERATIONS, NOT_ASKED } from './authorized-operations.ts';
import { handler } from './handler.ts';

const BROKERS = 1;
const CONTROLLERS = 2;

export const describeCluster = handler<DescribeClusterRequest, DescribeClusterResponseInit>({
  key: 60,
  read: readDescribeClusterRequest,
  write: writeDescribeClusterResponse,
  handle(request, context, broker) {
    if (request.endpointType !== BROKERS) {
      const isController = request.endpointType === CONTROLLERS;
      return {
        throttleTimeMs: 0,
        errorCode: isController ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
        errorMessage: isController
          ? 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
          : `Unsupported endpoint type ${request.endpointType}`,
        endpointType: BROKERS,
        clusterId: '',
        controllerId: -1,
        brokers: [],
      };
    }
    const live = broker.endpoints(context.connection.listener);
    const brokers = live.map(({ nodeId, host, port, rack }) => ({
      brokerId: nodeId,
      host,
      port,
      rack,
      isFenced: false,
    }));
    if (request.includeFencedBrokers) {
      for (const { id, isFenced, rack, endpoints } of broker.image.brokers.values()) {
        const endpoint = endpoints.find(({ name }) => name === context.connection.listener);
        if (isFenced)
          brokers.push({ brokerId: id, host: endpoint?.host ?? '', port: endpoint?.port ?? -1, rack, isFenced });
      }
    }
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      endpointType: BROKERS,
      clusterId: broker.clusterId,
      controllerId: live[0]?.nodeId ?? -1,
      brokers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : NOT_ASKED,
    };
  },
});
