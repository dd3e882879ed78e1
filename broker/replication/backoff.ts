/** How long to wait before trying a peer or the controller again. */
import type { Random } from '../std/mod.ts';

export const BACKOFF_MS_MIN = 50;
export const BACKOFF_MS_MAX = 1_000;
/** Jitter keeps brokers that lost the same peer from coming back in step. */
const JITTER = 0.2;

/** Doubles from 50 ms up to `maxMs` with the failures in a row, give or take a fifth. */
export function nextBackoffMs(failures: number, random: Random, maxMs = BACKOFF_MS_MAX): number {
  const exponent = Math.min(Math.max(failures - 1, 0), 16);
  const baseMs = Math.min(BACKOFF_MS_MIN * 2 ** exponent, maxMs);
  return baseMs * (1 + JITTER * ((2 * random.uint32()) / 2 ** 32 - 1));
}
