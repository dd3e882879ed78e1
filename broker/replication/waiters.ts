/**
 * Those who wait for a partition to move: acks=all produces and coordinators for an offset to be committed,
 * DeleteRecords for one to be deleted everywhere, parked fetches for anything new. A waiter that leaves early (a
 * timeout, a closed connection) is removed at once, so that the lists never hold more than what is really parked.
 */
import { ErrorCode } from '../protocol/mod.ts';

interface OffsetWaiter {
  readonly offset: number;
  readonly needsMinInSync: boolean;
  readonly done: (errorCode: number) => void;
}

export class OffsetWaiters {
  /** Ascending by offset: appends come in order, so a waiter nearly always goes to the end. */
  private waiters: OffsetWaiter[] = [];

  get size(): number {
    return this.waiters.length;
  }

  /** Calls `done` with NONE once the mark has reached `offset`. Returns how to stop waiting. */
  add(offset: number, done: (errorCode: number) => void, needsMinInSync = false): () => void {
    const waiter = { offset, needsMinInSync, done };
    let at = this.waiters.length;
    while (at > 0 && (this.waiters[at - 1] as OffsetWaiter).offset > offset) at--;
    this.waiters.splice(at, 0, waiter);
    return () => {
      const index = this.waiters.indexOf(waiter);
      if (index >= 0) this.waiters.splice(index, 1);
    };
  }

  /** Wakes all who waited for the mark to come this far. */
  advance(mark: number): void {
    let ready = 0;
    while (ready < this.waiters.length && (this.waiters[ready] as OffsetWaiter).offset <= mark) ready++;
    if (ready === 0) return;
    for (const waiter of this.waiters.splice(0, ready)) waiter.done(ErrorCode.NONE);
  }

  /** Tells everybody that what they wait for will not happen here. */
  failAll(errorCode: number): void {
    for (const waiter of this.waiters.splice(0)) waiter.done(errorCode);
  }

  /** Tells those who must have min.insync.replicas behind their records. */
  failThoseNeedingMinInSync(errorCode: number): void {
    const failed = this.waiters.filter(({ needsMinInSync }) => needsMinInSync);
    if (failed.length === 0) return;
    this.waiters = this.waiters.filter(({ needsMinInSync }) => !needsMinInSync);
    for (const waiter of failed) waiter.done(errorCode);
  }
}

/** Calls each listener on every move until it is removed. */
export class Listeners<Arguments extends readonly unknown[] = readonly []> {
  /** Made for the first of them: most partitions have none, and a broker has many partitions. */
  private listeners: Set<(...values: Arguments) => void> | undefined;

  get size(): number {
    return this.listeners?.size ?? 0;
  }

  add(listener: (...values: Arguments) => void): () => void {
    this.listeners ??= new Set();
    this.listeners.add(listener);
    return () => this.listeners?.delete(listener);
  }

  notify(...values: Arguments): void {
    if (this.listeners === undefined || this.listeners.size === 0) return;
    for (const listener of [...this.listeners]) listener(...values);
  }
}
