/**
 * The messages: what every request, response, header and internal record looks like, in all versions.
 *
 * In: nothing. Out: the schemas, as data, in a fixed order: APIs by key, data messages by name. This room knows no bytes
 * and no behaviour: it refuses to know how a message is encoded, and what a broker does with it.
 */
import type { Api, DataMessage } from '../schema.ts';

import produce from './00-produce.ts';
import fetch from './01-fetch.ts';
import listOffsets from './02-list-offsets.ts';
import metadata from './03-metadata.ts';
import offsetCommit from './08-offset-commit.ts';
import offsetFetch from './09-offset-fetch.ts';
import findCoordinator from './10-find-coordinator.ts';
import joinGroup from './11-join-group.ts';
import heartbeat from './12-heartbeat.ts';
import leaveGroup from './13-leave-group.ts';
import syncGroup from './14-sync-group.ts';
import apiVersions from './18-api-versions.ts';
import createTopics from './19-create-topics.ts';
import initProducerId from './22-init-producer-id.ts';

import groupMetadataKey from './data/group-metadata-key.ts';
import groupMetadataValue from './data/group-metadata-value.ts';
import legacyOffsetCommitKey from './data/legacy-offset-commit-key.ts';
import legacyOffsetCommitValue from './data/legacy-offset-commit-value.ts';
import offsetCommitKey from './data/offset-commit-key.ts';
import offsetCommitValue from './data/offset-commit-value.ts';
import requestHeader from './data/request-header.ts';
import responseHeader from './data/response-header.ts';

export const apis: readonly Api[] = [
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  apiVersions,
  createTopics,
  initProducerId,
];

export const dataMessages: readonly DataMessage[] = [
  groupMetadataKey,
  groupMetadataValue,
  legacyOffsetCommitKey,
  legacyOffsetCommitValue,
  offsetCommitKey,
  offsetCommitValue,
  requestHeader,
  responseHeader,
];
