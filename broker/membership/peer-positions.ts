/**
 * How far the other brokers have read the metadata log, and whose terms. A candidate asks before it claims the log:
 * where another broker knows more than the store says, or something else, the store was put back to an earlier time.
 */
import type { EndpointImage, MetadataImage, MetadataPosition } from '../metadata/mod.ts';
import { defineCall, type KafkaConnection } from '../protocol/connection/mod.ts';
import { writeMetadataPositionRequest } from '../protocol/generated/metadata-position-request.ts';
import { readMetadataPositionResponse } from '../protocol/generated/metadata-position-response.ts';
import type { Clock } from '../std/mod.ts';
import { controlEndpointOf } from './control-endpoint.ts';
import type { PeerConnector } from './peer-connector.ts';

const positionCall = defineCall(20004, writeMetadataPositionRequest, readMetadataPositionResponse);
/** Who does not answer within this time is not waited for: a failover must not hang on a broker that is gone. */
const ANSWER_MS = 300;

export interface PeerPosition {
  readonly brokerId: number;
  readonly position: MetadataPosition;
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
    const position = endpoint === undefined ? undefined : await exchangePositions(endpoint, options);
    return position === undefined ? [] : [{ brokerId, position }];
  });
  return (await Promise.all(asked)).flat();
}

/** Tells the broker at the other end what was read here, when that is given, and learns what was read there. */
export async function exchangePositions(
  endpoint: EndpointImage,
  { connector, clock, clusterId, own }: Way & { readonly own?: MetadataPosition },
): Promise<MetadataPosition | undefined> {
  let connection: KafkaConnection | undefined;
  const late = new Promise<undefined>((resolve) => clock.after(ANSWER_MS, () => resolve(undefined)));
  const answer = async (): Promise<MetadataPosition | undefined> => {
    connection = await connector.connect(endpoint);
    const { clusterId: theirs, ...position } = await connection.request(positionCall, 0, { clusterId, ...own });
    return theirs === clusterId ? position : undefined;
  };
  try {
    return await Promise.race([answer().catch(() => undefined), late]);
  } finally {
    connection?.close();
  }
}
