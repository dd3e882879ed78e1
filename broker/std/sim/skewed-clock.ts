/** The same time seen from a machine whose wall clock is off: what production code must not mind. */
import type { Clock } from '../runtime.ts';

export function skewedClock(clock: Clock, skewMs: number): Clock {
  return {
    nowMs: () => clock.nowMs() + skewMs,
    monotonicMs: () => clock.monotonicMs(),
    idleShare: () => clock.idleShare(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    endOfTurn: (callback) => clock.endOfTurn(callback),
  };
}
