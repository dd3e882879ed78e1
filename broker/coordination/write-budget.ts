/**
 * How much may be written to a store that keeps history until it compacts, as etcd does: 32 MiB in 5 minutes, snapshots
 * counted. A token bucket that elections and in-sync sets that shrink never ask; what they write beyond it becomes a
 * debt, and the changes that can wait pay it by waiting.
 */
import { assert } from '../std/mod.ts';

export const WRITE_BUDGET_BYTES = 32 * 1024 * 1024;
export const WRITE_BUDGET_WINDOW_MS = 300_000;

/**
 * The share of the budget that must be left for a change to be written now. Growing an in-sync set comes last: it can
 * be done a little later and all at once, while somebody waits for an admin change.
 */
const SHARE_LEFT_MIN = { expansion: 0.25, admin: 0 } as const;

export type WritePriority = keyof typeof SHARE_LEFT_MIN;

export class WriteBudget {
  private readonly bytesMax: number;
  private readonly windowMs: number;
  private readonly monotonicMs: () => number;
  private leftBytes: number;
  private atMs: number;

  constructor(options: {
    readonly bytesMax: number;
    readonly windowMs: number;
    readonly monotonicMs: () => number;
  }) {
    assert(options.bytesMax > 0, 'a write budget allows something');
    assert(options.windowMs > 0, 'a write budget refills');
    this.bytesMax = options.bytesMax;
    this.windowMs = options.windowMs;
    this.monotonicMs = options.monotonicMs;
    this.leftBytes = options.bytesMax;
    this.atMs = options.monotonicMs();
  }

  /** Counts what was sent to the store, whether or not it arrived. */
  spend(bytes: number): void {
    this.refill();
    // Debt is bounded by one window: after a storm of elections changes that can wait do so for minutes, not for hours.
    this.leftBytes = Math.max(this.leftBytes - bytes, -this.bytesMax);
  }

  /** Milliseconds until a change of that priority should be written; 0 when it may be written now. */
  waitMs(priority: WritePriority): number {
    this.refill();
    if (this.bytesMax === Number.POSITIVE_INFINITY) return 0;
    const missingBytes = this.bytesMax * SHARE_LEFT_MIN[priority] - this.leftBytes;
    return missingBytes <= 0 ? 0 : Math.ceil((missingBytes * this.windowMs) / this.bytesMax);
  }

  private refill(): void {
    const nowMs = this.monotonicMs();
    const gainedBytes = (this.bytesMax * (nowMs - this.atMs)) / this.windowMs;
    this.atMs = nowMs;
    if (gainedBytes > 0) this.leftBytes = Math.min(this.bytesMax, this.leftBytes + gainedBytes);
  }
}

/** For stores that forget what was trimmed. */
export const unlimitedBudget = new WriteBudget({
  bytesMax: Number.POSITIVE_INFINITY,
  windowMs: WRITE_BUDGET_WINDOW_MS,
  monotonicMs: () => 0,
});
