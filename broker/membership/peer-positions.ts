/**
 * How far the other brokers have read the metadata log. A candidate asks before it claims the log: where another broker
 * knows more than the store says, the store was put back to an earlier time.
 */
import type { MetadataImage } from '../metadata/mod.ts';
import { defineCall, type KafkaConnection } from '../protocol/connection/mod.ts';
import { writeMetadataPositionRequest } from '../protocol/generated/metadata-position-request.ts';
import { readMetadataPositionResponse } from '../protocol/generated/metadata-position-response.ts';
import type { Clock } from '../std/mod.ts';
import { controlEndpointOf } from './control-endpoint.ts';
import type { PeerConnector } from './peer-connector.ts';

const positionCall = defineCall(20004, writeMetadataPositionRequest, readMetadataPositionResponse);
/** Who does not answer within this time is not waited for: a failover must not hang on a broker that is gone. */
const ANSWER_MS = 300;

/** The furthest offset that any other registered broker has read up to; 0 when none answers. */
export async function furthestPosition(options: {
  readonly image: MetadataImage;
  readonly nodeId: number;
  readonly connector: PeerConnector;
  readonly clock: Clock;
}): Promise<number> {
  const { image, nodeId, connector, clock } = options;
  const asked = [...image.brokers.values()]
    .filter(({ id }) => id !== nodeId)
    .map(async ({ endpoints }): Promise<number> => {
      const endpoint = controlEndpointOf(endpoints);
      if (endpoint === undefined) return 0;
      let connection: KafkaConnection | undefined;
      const late = new Promise<number>((resolve) => clock.after(ANSWER_MS, () => resolve(0)));
      const answer = async (): Promise<number> => {
        connection = await connector.connect(endpoint);
        const position = await connection.request(positionCall, 0, { clusterId: image.clusterId });
        return position.clusterId === image.clusterId ? position.nextOffset : 0;
      };
      try {
        return await Promise.race([answer().catch(() => 0), late]);
      } finally {
        connection?.close();
      }
    });
  return Math.max(0, ...(await Promise.all(asked)));
}
