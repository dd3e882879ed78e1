/** Time that really passes, for stores on real servers. */
import { expect } from 'vitest';
import { nodeClock } from '../../broker/std/node-clock.ts';

const UNTIL_MS_MAX = 15_000;
const LOOK_EVERY_MS = 5;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => void nodeClock().after(ms, resolve));

export async function until(isSo: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < UNTIL_MS_MAX && !isSo(); waitedMs += LOOK_EVERY_MS) await pause(LOOK_EVERY_MS);
  expect(isSo()).toBe(true);
}
