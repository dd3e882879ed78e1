/**
 * DeleteTopics (key 20), versions 1-6.
 *
 * Behaviour
 * - the log of a deleted topic is gone at once for clients; its files follow after file.delete.delay.ms
 * - with delete.topic.enable off: TOPIC_DELETION_DISABLED, INVALID_REQUEST below version 3
 *
 * Versions
 * - 4: flexible
 * - 5: error message per topic
 * - 6: topics by name or by id, never both
 */
import { deleteTopics as decide } from '../controller/mod.ts';
import { type DeleteTopicsRequest, readDeleteTopicsRequest } from '../protocol/generated/delete-topics-request.ts';
import {
  type DeleteTopicsResponseInit,
  writeDeleteTopicsResponse,
} from '../protocol/generated/delete-topics-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { ZERO_UUID } from '../std/mod.ts';
import { handler } from './handler.ts';
import { submit } from './submit.ts';

const BY_ID_FROM = 6;
const DISABLED_ERROR_FROM = 3;

export const deleteTopics = handler<DeleteTopicsRequest, DeleteTopicsResponseInit>({
  key: 20,
  needsController: true,
  read: readDeleteTopicsRequest,
  write: writeDeleteTopicsResponse,
  async handle(request, context, broker) {
    const selectors =
      context.version >= BY_ID_FROM
        ? request.topics.map(({ name, topicId }) => ({ name, id: topicId }))
        : request.topicNames.map((name) => ({ name, id: ZERO_UUID }));
    const all = (errorCode: number, errorMessage: string | null): DeleteTopicsResponseInit => ({
      throttleTimeMs: 0,
      responses: selectors.map(({ name, id }) => ({ name, topicId: id, errorCode, errorMessage })),
    });
    if (!broker.config.boolean('delete.topic.enable')) {
      const errorCode =
        context.version >= DISABLED_ERROR_FROM ? ErrorCode.TOPIC_DELETION_DISABLED : ErrorCode.INVALID_REQUEST;
      return all(errorCode, null);
    }
    const deleted = await submit(broker, context, (image) => decide(image, selectors));
    if ('errorCode' in deleted) return all(deleted.errorCode, deleted.errorMessage);
    return { throttleTimeMs: 0, responses: deleted };
  },
});
