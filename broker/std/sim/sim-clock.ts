/**
 * Virtual time. Nothing moves unless the owner moves it: `runTurn` ends a turn of the loop, `advance` lets time pass
 * and fires what is due in order. `nowMs` can be skewed, because production code must not trust it; `monotonicMs`
 * cannot.
 */
import type { Clock, Timer } from '../runtime.ts';

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

export class SimClock implements Clock {
  /** Added to `nowMs`; a test moves it to make the wall clock jump. */
  skewMs = 0;
  private readonly startMs: number;
  private elapsedMs = 0;
  private nextOrder = 0;
  private readonly heap: Entry[] = [];
  private turn: (() => void)[] = [];

  constructor(startMs = 1_700_000_000_000) {
    this.startMs = startMs;
  }

  nowMs(): number {
    return Math.floor(this.startMs + this.elapsedMs + this.skewMs);
  }

  /** Simulated time passes only while nothing is to be done. */
  idleShare(): number {
    return 1;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry: Entry = { dueMs: this.elapsedMs + Math.max(0, delayMs), order: this.nextOrder++, callback };
    this.push(entry);
    return {
      cancel() {
        entry.callback = undefined;
      },
    };
  }

  endOfTurn(callback: () => void): void {
    this.turn.push(callback);
  }

  /** Runs what waits for the end of this turn, and what that asks for in turn. */
  runTurn(): void {
    while (this.turn.length > 0) {
      const callbacks = this.turn;
      this.turn = [];
      for (const callback of callbacks) callback();
    }
  }

  /** When the next timer is due, in `monotonicMs`; undefined when none is. */
  nextDueMs(): number | undefined {
    while (this.heap.length > 0 && this.heap[0]?.callback === undefined) this.pop();
    return this.heap[0]?.dueMs;
  }

  /** Moves to the next timer and runs it and its turn. False when there is none before `untilMs`. */
  step(untilMs = Number.POSITIVE_INFINITY): boolean {
    const dueMs = this.nextDueMs();
    if (dueMs === undefined || dueMs > untilMs) return false;
    const entry = this.pop();
    this.elapsedMs = Math.max(this.elapsedMs, entry.dueMs);
    const callback = entry.callback;
    entry.callback = undefined;
    callback?.();
    this.runTurn();
    return true;
  }

  /** Lets time pass, firing timers in order. Promises do not settle in between: see `advanceAndSettle`. */
  advance(ms: number): void {
    const untilMs = this.elapsedMs + ms;
    this.runTurn();
    while (this.step(untilMs));
    this.elapsedMs = Math.max(this.elapsedMs, untilMs);
  }

  /** Time passes without anything running: what a slow system call does to the loop. */
  elapse(ms: number): void {
    this.elapsedMs += ms;
  }

  /** Lets promises that need no time settle, and ends the turns that they cause. */
  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      this.runTurn();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    this.runTurn();
  }

  /** As `advance`, and promises settle after every timer. */
  async advanceAndSettle(ms: number): Promise<void> {
    const untilMs = this.elapsedMs + ms;
    await this.settle();
    while (this.step(untilMs)) await this.settle();
    this.elapsedMs = Math.max(this.elapsedMs, untilMs);
    await this.settle();
  }

  private isBefore(left: Entry, right: Entry): boolean {
    return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
  }

  private push(entry: Entry): void {
    const heap = this.heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(entry, heap[parent] as Entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): Entry {
    const heap = this.heap;
    const top = heap[0] as Entry;
    const last = heap.pop() as Entry;
    if (heap.length > 0) {
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && this.isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
        if (!this.isBefore(heap[child] as Entry, last)) break;
        heap[at] = heap[child] as Entry;
        at = child;
      }
      heap[at] = last;
    }
    return top;
  }
}
