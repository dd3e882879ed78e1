/**
 * The store in memory, for the simulator and tests: brokers of one process share a `MemoryStoreState`, and each
 * operation of each caller can be made to fail the ways a real store fails.
 */
import type { Clock } from '../std/mod.ts';
import { LeaseElection, type LeaseRegister } from './lease-election.ts';
import {
  type CoordinationStore,
  checkBatchSize,
  isNewerSnapshot,
  type Lease,
  offsetConflict,
  type Snapshot,
  type StoredBatch,
  snapshotConflict,
  snapshotMissing,
  unavailable,
} from './store.ts';
import { unlimitedBudget, type WriteBudget } from './write-budget.ts';

export type StoreOperation = 'lease' | 'append' | 'read' | 'end' | 'writeSnapshot' | 'readSnapshot' | 'trim';

/**
 * What becomes of one operation. `fail`: it had no effect. `lost`: it took effect, but the answer never came. `delay`:
 * it takes effect later. `late`: it takes effect now, and the answer comes later. Undefined: it goes well.
 */
export type StoreFault =
  | { readonly kind: 'fail' | 'lost' }
  | { readonly kind: 'delay' | 'late'; readonly delayMs: number };

/** What a copy of the store holds, and what a store that is put back to it holds again. */
interface StoreContents {
  readonly batches: ReadonlyMap<number, Buffer>;
  readonly end: number;
  readonly trimmedBelow: number;
  readonly lease: Lease | undefined;
  readonly snapshot: Snapshot | undefined;
}

interface Watcher {
  readonly caller: string;
  readonly changed: () => void;
}

export class MemoryStoreState {
  batches = new Map<number, Buffer>();
  end = 0;
  trimmedBelow = 0;
  lease: Lease | undefined;
  snapshot: Snapshot | undefined;
  private readonly watchers = new Set<Watcher>();
  private leaseWrites = 0;
  /** Asked before every operation of every caller. */
  fault: (operation: StoreOperation, caller?: string) => StoreFault | undefined = () => undefined;
  /** While true, the watchers of that caller hear nothing, and are not told afterwards what they missed. */
  isWatchStalled: boolean | ((caller: string) => boolean) = false;

  /** Batches that the log holds at most, as the ring of Kubernetes does: the next needs a snapshot of the first. */
  ringBatches = Number.POSITIVE_INFINITY;

  /** Watches end; they come back, with a hint, when the returned function is called. */
  cutWatches(): () => void {
    this.isWatchStalled = true;
    return () => {
      this.isWatchStalled = false;
      this.tellWatchers();
    };
  }

  /** Every operation fails until the returned function is called. */
  makeUnavailable(isAffected: (caller?: string) => boolean = () => true): () => void {
    const { fault } = this;
    this.fault = (operation, caller) => (isAffected(caller) ? { kind: 'fail' } : fault(operation, caller));
    return () => {
      this.fault = fault;
    };
  }

  copy(): StoreContents {
    const { end, trimmedBelow, lease, snapshot } = this;
    return { batches: new Map(this.batches), end, trimmedBelow, lease, snapshot };
  }

  /** As when etcd or a file is restored from a backup: nobody is told. */
  goBackTo(contents: StoreContents): void {
    this.batches = new Map(contents.batches);
    this.end = contents.end;
    this.trimmedBelow = contents.trimmedBelow;
    this.lease = contents.lease;
    this.snapshot = contents.snapshot;
  }

  dropBelow(offset: number): void {
    for (let at = this.trimmedBelow; at < offset; at++) this.batches.delete(at);
    this.trimmedBelow = Math.max(this.trimmedBelow, offset);
  }

  nextLeaseVersion(): string {
    this.leaseWrites += 1;
    return String(this.leaseWrites);
  }

  addWatcher(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  tellWatchers(): void {
    for (const { caller, changed } of [...this.watchers]) {
      const { isWatchStalled } = this;
      const isStalled = typeof isWatchStalled === 'boolean' ? isWatchStalled : isWatchStalled(caller);
      if (!isStalled) changed();
    }
  }
}

export class MemoryStore implements CoordinationStore {
  readonly writeBudget: WriteBudget;
  private readonly state: MemoryStoreState;
  private readonly clock: Clock;
  private readonly caller: string;
  readonly leases: LeaseElection;

  constructor(
    state: MemoryStoreState,
    clock: Clock,
    options: { readonly caller?: string; readonly writeBudget?: WriteBudget } = {},
  ) {
    this.state = state;
    this.clock = clock;
    this.caller = options.caller ?? '';
    this.writeBudget = options.writeBudget ?? unlimitedBudget;
    this.leases = new LeaseElection(leaseRegister(state), clock, (action) => this.run('lease', action));
  }

  private async run<Result>(operation: StoreOperation, effect: () => Result): Promise<Awaited<Result>> {
    const fault = this.state.fault(operation, this.caller);
    if (fault?.kind === 'fail') throw unavailable(`the store did not answer ${operation}`);
    if (fault?.kind === 'delay') await this.pass(fault.delayMs);
    const result = await effect();
    if (fault?.kind === 'late') await this.pass(fault.delayMs);
    if (fault?.kind === 'lost') throw unavailable(`the store did not answer ${operation}`);
    return result;
  }

  private pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  append(offset: number, payload: Buffer): Promise<void> {
    return this.run('append', () => {
      checkBatchSize(payload);
      if (offset !== this.state.end) throw offsetConflict(offset, this.state.end);
      this.makeRoom(offset - this.state.ringBatches);
      this.writeBudget.spend(payload.length);
      this.state.batches.set(offset, Buffer.from(payload));
      this.state.end = offset + 1;
      this.state.tellWatchers();
    });
  }

  private makeRoom(replaced: number): void {
    if (replaced < 0) return;
    if ((this.state.snapshot?.offset ?? 0) <= replaced) throw snapshotMissing(replaced);
    this.state.dropBelow(replaced + 1);
  }

  read(offset: number, max: number): Promise<StoredBatch[]> {
    return this.run('read', () => {
      if (offset < this.state.trimmedBelow) throw offsetConflict(offset, this.state.end);
      const found: StoredBatch[] = [];
      for (let at = offset; at < this.state.end && found.length < max; at++) {
        found.push({ offset: at, payload: this.state.batches.get(at) as Buffer });
      }
      return found;
    });
  }

  end(): Promise<number> {
    return this.run('end', () => this.state.end);
  }

  watch(changed: () => void): () => void {
    return this.state.addWatcher({ caller: this.caller, changed });
  }

  writeSnapshot(snapshot: Snapshot): Promise<void> {
    return this.run('writeSnapshot', () => {
      const current = this.state.snapshot;
      if (current !== undefined && !isNewerSnapshot(snapshot, current)) throw snapshotConflict(snapshot, current);
      const chunks = snapshot.chunks.map((chunk) => Buffer.from(chunk));
      for (const chunk of chunks) this.writeBudget.spend(chunk.length);
      this.state.snapshot = { ...snapshot, chunks };
    });
  }

  readSnapshot(): Promise<Snapshot | undefined> {
    return this.run('readSnapshot', () => this.state.snapshot);
  }

  trim(offset: number): Promise<void> {
    return this.run('trim', () => {
      this.state.dropBelow(offset);
    });
  }

  async close(): Promise<void> {}
}

function leaseRegister(state: MemoryStoreState): LeaseRegister {
  return {
    read: async () => state.lease,
    async swap(from, next) {
      const { lease } = state;
      if (lease?.version !== from?.version) return lease as Lease;
      state.lease = { ...next, version: state.nextLeaseVersion() };
      if (lease?.holder !== next.holder) state.tellWatchers();
      return state.lease;
    },
  };
}
