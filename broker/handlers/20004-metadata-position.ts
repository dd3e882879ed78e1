/**
 * MetadataPosition (key 20004), version 0: how far this broker has read the metadata log. Control listener only.
 */
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
  handle(_request, _context, broker) {
    const { nextOffset, controllerEpoch } = broker.image;
    return { clusterId: broker.clusterId, nextOffset, controllerEpoch };
  },
});
