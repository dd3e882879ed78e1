/**
 * MetadataPosition (key 20004), version 0: how far this broker has read the metadata log, and whose term it read last.
 *
 * Behaviour
 * - control listener only
 * - says who leads, too, for who cannot read it in the store
 * - who asks may say how far it has read itself: a controller that knows less, or another log, stands down
 */

import { controlEndpointOf } from '../membership/mod.ts';
import { positionOf } from '../metadata/mod.ts';
import {
  type MetadataPositionRequest,
  readMetadataPositionRequest,
} from '../protocol/generated/metadata-position-request.ts';
import {
  type MetadataPositionResponseInit,
  writeMetadataPositionResponse,
} from '../protocol/generated/metadata-position-response.ts';
import { handler } from './handler.ts';

export const metadataPosition = handler<MetadataPositionRequest, MetadataPositionResponseInit>({
  key: 20004,
  read: readMetadataPositionRequest,
  write: writeMetadataPositionResponse,
  async handle({ clusterId, ...theirs }, _context, broker) {
    // A store that is away settles nothing; who has something to say says it again.
    if (clusterId === broker.clusterId) await broker.controller.agreesWith(theirs).catch(() => false);
    const { clusterId: own, image } = broker;
    const endpoint = controlEndpointOf(image.controllerEndpoints);
    return {
      clusterId: own,
      ...positionOf(image),
      controllerId: image.controllerId,
      controllerHost: endpoint?.host ?? '',
      controllerPort: endpoint?.port ?? 0,
    };
  },
});
