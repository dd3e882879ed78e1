/** A moment by which something has to be over, handed down through all the steps it is made of. */
import type { Clock } from './runtime.ts';

export class Deadline {
  private readonly clock: Clock;
  private readonly atMs: number;

  constructor(clock: Clock, afterMs: number) {
    this.clock = clock;
    this.atMs = clock.monotonicMs() + afterMs;
  }

  /** Never below zero. */
  get leftMs(): number {
    return Math.max(0, this.atMs - this.clock.monotonicMs());
  }

  get isOver(): boolean {
    return this.leftMs === 0;
  }

  /** The sooner of this one and `afterMs` from now. */
  within(afterMs: number): Deadline {
    return new Deadline(this.clock, Math.min(afterMs, this.leftMs));
  }

  /** Returns when the promise is settled or the time is over; rejects only if the promise does before that. */
  async wait(promise: Promise<unknown>): Promise<void> {
    if (this.isOver) {
      promise.catch(() => {});
      return;
    }
    let wake = (): void => {};
    const over = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const timer = this.clock.after(this.leftMs, wake);
    try {
      await Promise.race([promise, over]);
    } finally {
      timer.cancel();
    }
  }
}
