/**
 * How far the other brokers have read the metadata log, and whose terms. A candidate asks before it claims the log:
 * where another broker knows more than the store says, or something else, the store was put back to an earlier time.
 */
import type { EndpointImage, MetadataImage, MetadataPosition } from '../metadata/mod.ts';
import { defineCall, type KafkaConnection } from '../protocol/connection/mod.ts';
import { writeMetadataPositionRequest } from '../protocol/generated/metadata-position-request.ts';
import {
  type MetadataPositionResponse,
  readMetadataPositionResponse,
} from '../protocol/generated/metadata-position-response.ts';
import type { Clock } from '../std/mod.ts';
import { CONTROL_LISTENER, controlEndpointOf } from './control-endpoint.ts';
import type { PeerConnector } from './peer-connector.ts';

const positionCall = defineCall(20004, writeMetadataPositionRequest, readMetadataPositionResponse);
/** Who does not answer within this time is not waited for: a failover must not hang on a broker that is gone. */
const ANSWER_MS = 300;

/** What a broker knows of the metadata log, and of who leads by it. */
export interface PeerPosition {
  readonly brokerId: number;
  readonly position: MetadataPosition;
  /** Undefined when the broker knows of none. */
  readonly controller: KnownController | undefined;
}

/** Who claimed the log last, and where it takes what brokers say to it. */
export interface KnownController {
  readonly controllerId: number;
  readonly controllerEpoch: number;
  readonly endpoint: EndpointImage;
}

interface Way {
  readonly connector: PeerConnector;
  readonly clock: Clock;
  /** Who belongs to another cluster counts as if it had not answered. */
  readonly clusterId: string;
}

/** What every other registered broker has read, as far as they answer soon. */
export async function peerPositions(
  options: Way & { readonly image: MetadataImage; readonly nodeId: number },
): Promise<PeerPosition[]> {
  const others = [...options.image.brokers.values()].filter(({ id }) => id !== options.nodeId);
  const asked = others.map(async ({ id: brokerId, endpoints }): Promise<PeerPosition[]> => {
    const endpoint = controlEndpointOf(endpoints);
    const known = endpoint === undefined ? undefined : await exchangePositions(endpoint, options);
    return known === undefined ? [] : [{ brokerId, ...known }];
  });
  return (await Promise.all(asked)).flat();
}

/** Tells the broker at the other end what was read here, when that is given, and learns what was read there. */
export async function exchangePositions(
  endpoint: EndpointImage,
  { connector, clock, clusterId, own }: Way & { readonly own?: MetadataPosition },
): Promise<Omit<PeerPosition, 'brokerId'> | undefined> {
  let connection: KafkaConnection | undefined;
  const late = new Promise<undefined>((resolve) => clock.after(ANSWER_MS, () => resolve(undefined)));
  const answer = async (): Promise<Omit<PeerPosition, 'brokerId'> | undefined> => {
    connection = await connector.connect(endpoint);
    const response = await connection.request(positionCall, 0, { clusterId, ...own });
    return response.clusterId === clusterId ? knownOf(response) : undefined;
  };
  try {
    return await Promise.race([answer().catch(() => undefined), late]);
  } finally {
    connection?.close();
  }
}

function knownOf(response: MetadataPositionResponse): Omit<PeerPosition, 'brokerId'> {
  const { nextOffset, controllerEpoch, termId, controllerId, controllerHost: host, controllerPort: port } = response;
  const endpoint = { name: CONTROL_LISTENER, host, port };
  return {
    position: { nextOffset, controllerEpoch, termId },
    controller: controllerId < 0 || port === 0 ? undefined : { controllerId, controllerEpoch, endpoint },
  };
}
