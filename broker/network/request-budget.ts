/**
 * What all connections of a kind may hold of requests: those that were read and are not answered, and what has arrived
 * of those that are still coming. Beyond it nobody is read any more, and TCP pushes back for us; each connection may
 * overshoot by the one read that found it out.
 *
 * Were all of it taken by beginnings of requests, none of them would ever come to its end. So the connection that has
 * waited longest in the middle of one is read all the same, one at a time, until it is answered. If it then says
 * nothing more, its bytes are wanted elsewhere, and it is closed.
 */
import type { Clock, Timer } from '../std/mod.ts';

/** A quarter of the memory of a small pod, whose half is the broker's own. */
export const REQUEST_BYTES_MAX = 256 * 1024 * 1024;
/** What a connection may take when it goes on, before it is asked again. */
const READ_BYTES = 64 * 1024;
const LOOK_EVERY_MS = 5;
/** How long nothing may come from the one that is read although there is no room. */
const STALL_MS = 1000;

export interface BudgetedConnection {
  /** Of a request that is still arriving. */
  readonly partialBytes: number;
  /** No request of it waits for its answer. */
  readonly isIdle: boolean;
  /** False where something of its own keeps it from reading, upon whose end it asks again. */
  goOn(): boolean;
  close(reason: string): void;
}

export class RequestBudget {
  private readonly clock: Clock;
  private readonly bytesMax: number;
  private heldBytes = 0;
  /** In the order in which they came. */
  private readonly waiting = new Set<BudgetedConnection>();
  private favoured: { readonly connection: BudgetedConnection; partialBytes: number; movedMs: number } | undefined;
  private timer: Timer | undefined;

  constructor(clock: Clock, bytesMax: number) {
    this.clock = clock;
    this.bytesMax = bytesMax;
  }

  /** A connection holds more than before, or less. */
  change(bytes: number): void {
    this.heldBytes += bytes;
  }

  mayRead(connection: BudgetedConnection): boolean {
    return this.heldBytes < this.bytesMax || this.favoured?.connection === connection;
  }

  /** The connection is told to go on when there is room for it. */
  wait(connection: BudgetedConnection): void {
    this.waiting.add(connection);
    this.timer ??= this.clock.after(LOOK_EVERY_MS, () => this.look());
  }

  /** The connection is gone. */
  forget(connection: BudgetedConnection): void {
    this.waiting.delete(connection);
    if (this.favoured?.connection === connection) this.favoured = undefined;
  }

  private look(): void {
    this.timer = undefined;
    this.watchFavoured();
    let roomBytes = this.bytesMax - this.heldBytes;
    for (const connection of this.waiting) {
      if (roomBytes <= 0) break;
      roomBytes -= READ_BYTES;
      this.waiting.delete(connection);
      connection.goOn();
    }
    if (this.heldBytes >= this.bytesMax) this.favour();
    if (this.waiting.size > 0) this.timer ??= this.clock.after(LOOK_EVERY_MS, () => this.look());
  }

  private favour(): void {
    if (this.favoured !== undefined) return;
    for (const connection of this.waiting) {
      const { partialBytes } = connection;
      if (partialBytes === 0) continue;
      this.waiting.delete(connection);
      this.favoured = { connection, partialBytes, movedMs: this.clock.monotonicMs() };
      if (connection.goOn()) return;
      this.favoured = undefined;
    }
  }

  private watchFavoured(): void {
    const { favoured } = this;
    if (favoured === undefined) return;
    const { connection } = favoured;
    const { partialBytes } = connection;
    const nowMs = this.clock.monotonicMs();
    if (partialBytes !== favoured.partialBytes) {
      favoured.partialBytes = partialBytes;
      favoured.movedMs = nowMs;
    }
    const isDone = partialBytes === 0 && connection.isIdle;
    const isStalled = nowMs - favoured.movedMs >= STALL_MS;
    if (!isDone && !isStalled) return;
    this.favoured = undefined;
    if (partialBytes > 0) connection.close('a request did not come to its end while memory was short');
  }
}
