/**
 * WatchChanges (key 20003), version 0: what was changed in the metadata, by whom and from where.
 *
 * Behaviour
 * - control listener only; any broker answers, from the log as it has read it
 * - answers at once with the changes from an offset on, or waits for the next one up to the given time
 * - OFFSET_OUT_OF_RANGE when that far back is no longer kept: the caller then looks at the whole state again
 */
import { readWatchChangesRequest, type WatchChangesRequest } from '../protocol/generated/watch-changes-request.ts';
import {
  type WatchChangesResponseInit,
  writeWatchChangesResponse,
} from '../protocol/generated/watch-changes-response.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { replyingHandler } from './handler.ts';

const WAIT_MS_MAX = 60_000;

export const watchChanges = replyingHandler<WatchChangesRequest, WatchChangesResponseInit>({
  key: 20003,
  read: readWatchChangesRequest,
  write: writeWatchChangesResponse,
  handle({ fromOffset, maxWaitMs }, context, broker, reply) {
    const { changes: feed } = broker.metadata;
    const deadlineMs = broker.runtime.clock.monotonicMs() + Math.min(Math.max(maxWaitMs, 0), WAIT_MS_MAX);
    let stopWaiting = (): void => {};
    const timer = broker.runtime.clock.after(Math.max(0, deadlineMs - broker.runtime.clock.monotonicMs()), () =>
      look(true),
    );
    const stopWatching = broker.onDisconnect(context.connection, () => finish());
    const finish = (): void => {
      timer.cancel();
      stopWaiting();
      stopWatching();
    };
    const look = (isLast: boolean): void => {
      const changes = feed.from(fromOffset);
      const { nextOffset } = feed;
      if (changes === undefined) {
        finish();
        const errorMessage = `Changes from offset ${fromOffset} on are no longer kept.`;
        reply.send({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, errorMessage, nextOffset, changes: [] });
        return;
      }
      if (changes.length === 0 && !isLast) {
        stopWaiting = feed.onNext(() => look(false));
        return;
      }
      finish();
      reply.send({ errorCode: ErrorCode.NONE, errorMessage: null, nextOffset, changes });
    };
    look(maxWaitMs <= 0);
  },
});
