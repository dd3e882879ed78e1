/**
 * Those who wait for a partition to move: acks=all produces and coordinators for an offset to be committed, parked
 * fetches for anything new. A waiter that leaves early (a timeout, a closed connection) is removed at once, so that
 * the lists never hold more than what is really parked.
 */
interface CommitWaiter {
  readonly offset: number;
  readonly done: () => void;
}

export class CommitWaiters {
  /** Ascending by offset: appends come in order, so a waiter nearly always goes to the end. */
  private readonly waiters: CommitWaiter[] = [];

  get size(): number {
    return this.waiters.length;
  }

  /** Calls `done` once every offset below `offset` is committed. Returns how to stop waiting. */
  add(offset: number, done: () => void): () => void {
    const waiter = { offset, done };
    let at = this.waiters.length;
    while (at > 0 && (this.waiters[at - 1] as CommitWaiter).offset > offset) at--;
    this.waiters.splice(at, 0, waiter);
    return () => {
      const index = this.waiters.indexOf(waiter);
      if (index >= 0) this.waiters.splice(index, 1);
    };
  }

  /** Wakes all who waited for offsets below `highWatermark`. */
  advance(highWatermark: number): void {
    let ready = 0;
    while (ready < this.waiters.length && (this.waiters[ready] as CommitWaiter).offset <= highWatermark) ready++;
    if (ready === 0) return;
    for (const waiter of this.waiters.splice(0, ready)) waiter.done();
  }

  /** Empties the list without waking: whoever gives leadership up tells the waiters in its own way. */
  drain(): (() => void)[] {
    return this.waiters.splice(0).map((waiter) => waiter.done);
  }
}

export class ProgressListeners {
  private readonly listeners = new Set<() => void>();

  get size(): number {
    return this.listeners.size;
  }

  /** Calls `listener` on every move until it is removed. */
  add(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  notify(): void {
    if (this.listeners.size === 0) return;
    for (const listener of [...this.listeners]) listener();
  }
}
