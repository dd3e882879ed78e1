/** The clock of a real process. */
import type { Clock, Timer } from './runtime.ts';

/** Node counts delays in a signed 32-bit number and fires at once beyond it. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export function nodeClock(): Clock {
  const queue: (() => void)[] = [];
  let isScheduled = false;
  let lastUtilization = performance.eventLoopUtilization();

  // Callbacks that are added while the queue runs still belong to this turn: a response that becomes ready because the
  // log was just written must not wait for the next poll.
  const runQueue = (): void => {
    for (let i = 0; i < queue.length; i++) (queue[i] as () => void)();
    queue.length = 0;
    isScheduled = false;
  };

  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    idleShare() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, lastUtilization);
      lastUtilization = now;
      return 1 - utilization;
    },
    after(delayMs: number, callback: () => void): Timer {
      const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), DELAY_MS_MAX));
      timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
    endOfTurn(callback: () => void): void {
      queue.push(callback);
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(runQueue);
    },
  };
}
