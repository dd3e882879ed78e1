/**
 * What the members of one consumer group did and were told, and what must never be: a partition with two owners in one
 * generation, a commit of an older generation that is taken once a later one has begun, a committed offset that went
 * back or was never committed.
 */
import type { History } from './history.ts';

interface Offsets {
  /** The highest that was acknowledged, and that was ever tried. */
  acknowledged: number;
  attempted: number;
}

export class GroupHistory {
  readonly groupId: string;
  private readonly history: History;
  /** The state of the group may have been lost with its coordinator's log: then anything may be older than it was. */
  private readonly mayHaveLost: () => boolean;
  private readonly owners = new Map<string, string>();
  private readonly offsets = new Map<number, Offsets>();
  private newest = -1;

  constructor(options: { readonly groupId: string; readonly history: History; readonly mayHaveLost: () => boolean }) {
    this.groupId = options.groupId;
    this.history = options.history;
    this.mayHaveLost = options.mayHaveLost;
  }

  /** The latest generation in which a member was given its partitions. */
  get newestGeneration(): number {
    return this.newest;
  }

  /** A member was given partitions. */
  assigned(generation: number, memberId: string, partitions: readonly number[]): void {
    this.newest = Math.max(this.newest, generation);
    for (const partition of partitions) {
      const key = `${generation}/${partition}`;
      const owner = this.owners.get(key) ?? memberId;
      this.owners.set(key, owner);
      if (owner !== memberId) {
        this.report(`partition ${partition} has two owners in generation ${generation}: ${owner} and ${memberId}`);
      }
    }
    this.history.count('assignments');
  }

  committing(partition: number, offset: number): void {
    const known = this.of(partition);
    known.attempted = Math.max(known.attempted, offset);
  }

  /** `newestWhenSent`: what `newestGeneration` was when the commit was sent. */
  committed(partition: number, offset: number, generation: number, newestWhenSent: number): void {
    const known = this.of(partition);
    known.acknowledged = Math.max(known.acknowledged, offset);
    if (generation < newestWhenSent) {
      this.report(`a commit of generation ${generation} was taken after ${newestWhenSent} had begun`);
    }
    this.history.count('commits of members');
  }

  /** The highest offset that was acknowledged before something is asked. */
  acknowledgedOf(partition: number): number {
    return this.of(partition).acknowledged;
  }

  /** A member was told where to go on; `atLeast` was acknowledged before it asked. */
  resumed(partition: number, offset: number, atLeast: number): void {
    const known = this.of(partition);
    if (offset < atLeast || offset > known.attempted) {
      this.report(`partition ${partition} goes on at ${offset}; ${atLeast} was committed, ${known.attempted} tried`);
      known.acknowledged = offset;
    }
  }

  private of(partition: number): Offsets {
    let known = this.offsets.get(partition);
    if (known === undefined) {
      known = { acknowledged: -1, attempted: -1 };
      this.offsets.set(partition, known);
    }
    return known;
  }

  private report(text: string): void {
    if (this.mayHaveLost()) {
      this.newest = -1;
      this.owners.clear();
      return;
    }
    this.history.violation(`group ${this.groupId}: ${text}`);
  }
}
