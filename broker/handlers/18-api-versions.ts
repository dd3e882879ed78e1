/**
 * ApiVersions (key 18), versions 0-5.
 *
 * Behaviour
 * - an unknown version is answered in version 0 with UNSUPPORTED_VERSION and the list, and the connection stays
 * (KIP-511)
 * - only what this broker really serves is listed; Produce is listed from 0 on, for old librdkafka turns compression
 * off
 *   where 0 is missing, while requests below 3 are refused (KAFKA-18659)
 *
 * Versions
 * - 3: flexible request; the response header stays version 0; client software name and version, which must be
 * well-formed
 * - 5: cluster id and node id of the broker the client means to talk to: REBOOTSTRAP_REQUIRED when it is another
 * (KIP-1242)
 */
import { readApiVersionsRequest } from '../protocol/generated/api-versions-request.ts';
import { type ApiVersionsResponseInit, writeApiVersionsResponse } from '../protocol/generated/api-versions-response.ts';
import { API_TABLE, apiByKey, ErrorCode } from '../protocol/mod.ts';
import type { Broker } from './broker.ts';
import type { Handler } from './handler.ts';

const KEY = 18;
const PRODUCE = 0;
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
/** Below this version a feature whose oldest level is 0 cannot be expressed (KAFKA-17011). */
const FEATURES_FROM_ZERO = 4;

export const apiVersions: Handler = {
  key: KEY,
  run(context, body, answer, broker) {
    const max = apiByKey(KEY)?.maxVersion ?? 0;
    if (context.version > max || context.version < 0) {
      const response = {
        ...describe(broker, 0, context.connection.isControlListener),
        errorCode: ErrorCode.UNSUPPORTED_VERSION,
      };
      answer.send((writer) => writeApiVersionsResponse(writer, response, 0));
      return;
    }
    const request = readApiVersionsRequest(body, context.version);
    let response = describe(broker, context.version, context.connection.isControlListener);
    if (context.version >= 3) {
      if (SOFTWARE.test(request.clientSoftwareName) && SOFTWARE.test(request.clientSoftwareVersion)) {
        context.connection.clientSoftwareName = request.clientSoftwareName;
        context.connection.clientSoftwareVersion = request.clientSoftwareVersion;
      } else {
        response = refusal(ErrorCode.INVALID_REQUEST);
      }
    }
    if (context.version >= 5 && request.clusterId !== null) {
      const isThisBroker = request.clusterId === broker.clusterId && request.nodeId === broker.nodeId;
      if (!isThisBroker) response = refusal(ErrorCode.REBOOTSTRAP_REQUIRED);
    }
    answer.send((writer) => writeApiVersionsResponse(writer, response, context.version));
  },
};

function refusal(errorCode: number): ApiVersionsResponseInit {
  return { errorCode, apiKeys: [], throttleTimeMs: 0 };
}

function describe(broker: Broker, version: number, isControlListener: boolean): ApiVersionsResponseInit {
  const apiKeys = [];
  for (const api of API_TABLE) {
    const served = broker.servedVersions(api.key, isControlListener);
    if (served === undefined) continue;
    const minVersion = api.key === PRODUCE ? 0 : served.min;
    apiKeys.push({ apiKey: api.key, minVersion, maxVersion: served.max });
  }
  const { finalized, supported, epoch } = broker.features();
  return {
    errorCode: ErrorCode.NONE,
    apiKeys,
    throttleTimeMs: 0,
    supportedFeatures: supported.filter(({ minVersion }) => version >= FEATURES_FROM_ZERO || minVersion > 0),
    finalizedFeaturesEpoch: epoch,
    finalizedFeatures: finalized,
    zkMigrationReady: false,
  };
}
