/** Waiting for a replica, for as long as the client said. */
import { ErrorCode } from '../protocol/mod.ts';
import type { Clock, Timer } from '../std/mod.ts';

/** Calls `done` once: with what `wait` says, or with REQUEST_TIMED_OUT. `wait` returns how to stop waiting. */
export function waitAtMost(
  limit: { readonly clock: Clock; readonly timeoutMs: number },
  wait: (finish: (errorCode: number) => void) => () => void,
  done: (errorCode: number) => void,
): void {
  let timer: Timer | undefined;
  let isDone = false;
  const finish = (errorCode: number): void => {
    isDone = true;
    timer?.cancel();
    done(errorCode);
  };
  const stopWaiting = wait(finish);
  if (isDone) return;
  timer = limit.clock.after(limit.timeoutMs, () => {
    stopWaiting();
    finish(ErrorCode.REQUEST_TIMED_OUT);
  });
}
