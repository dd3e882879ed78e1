/** Time that really passes, for stores on real servers. */
import { expect } from 'vitest';

const UNTIL_MS_MAX = 15_000;
const LOOK_EVERY_MS = 5;

/** Keeps the process alive, as the timers of the runtime's clock do not. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(isSo: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < UNTIL_MS_MAX && !isSo(); waitedMs += LOOK_EVERY_MS) await pause(LOOK_EVERY_MS);
  expect(isSo()).toBe(true);
}
