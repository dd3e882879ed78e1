/**
 * The store in memory, for the simulator and tests: brokers of one process share a `MemoryStoreState`, and each
 * operation can be made to fail the ways a real store fails.
 */
import { BrokerError, type Clock } from '../std/mod.ts';
import { type CoordinationStore, isNewerSnapshot, type Lease, type Snapshot, type StoredBatch } from './store.ts';

export type StoreOperation = 'lease' | 'append' | 'read' | 'end' | 'writeSnapshot' | 'readSnapshot' | 'trim';

/**
 * What becomes of one operation: `fail` before it took effect, `lost` after it did (the answer never comes), `delayMs`
 * later. Undefined means it goes well.
 */
export type StoreFault = { readonly kind: 'fail' | 'lost' } | { readonly kind: 'delay'; readonly delayMs: number };

export class MemoryStoreState {
  readonly batches = new Map<number, Buffer>();
  end = 0;
  trimmedBelow = 0;
  lease: Lease | undefined;
  snapshot: Snapshot | undefined;
  readonly watchers = new Set<() => void>();
  /** Asked before every operation of every broker. */
  fault: (operation: StoreOperation) => StoreFault | undefined = () => undefined;
  /** While true, watchers hear nothing. */
  isWatchStalled = false;
}

export class MemoryStore implements CoordinationStore {
  private readonly state: MemoryStoreState;
  private readonly clock: Clock;

  constructor(state: MemoryStoreState, clock: Clock) {
    this.state = state;
    this.clock = clock;
  }

  private async run<Result>(operation: StoreOperation, effect: () => Result): Promise<Result> {
    const fault = this.state.fault(operation);
    const unavailable = (): BrokerError =>
      new BrokerError('store.unavailable', `the store did not answer ${operation}`, { retriable: true });
    if (fault?.kind === 'fail') throw unavailable();
    if (fault?.kind === 'delay') {
      await new Promise<void>((resolve) => this.clock.after(fault.delayMs, resolve));
    }
    const result = effect();
    if (fault?.kind === 'lost') throw unavailable();
    return result;
  }

  acquireLease(holder: string, durationMs: number): Promise<Lease> {
    return this.run('lease', () => {
      const { lease } = this.state;
      const nowMs = this.clock.nowMs();
      if (lease !== undefined && lease.holder !== holder && lease.untilMs > nowMs) return lease;
      const epoch = lease?.holder === holder ? lease.epoch : (lease?.epoch ?? 0) + 1;
      this.state.lease = { holder, epoch, untilMs: nowMs + durationMs };
      return this.state.lease;
    });
  }

  releaseLease(holder: string): Promise<void> {
    return this.run('lease', () => {
      if (this.state.lease?.holder === holder) this.state.lease = { ...this.state.lease, untilMs: 0 };
    });
  }

  readLease(): Promise<Lease | undefined> {
    return this.run('lease', () => this.state.lease);
  }

  append(offset: number, payload: Buffer): Promise<void> {
    return this.run('append', () => {
      if (offset !== this.state.end) throw conflict(offset, this.state.end);
      this.state.batches.set(offset, Buffer.from(payload));
      this.state.end = offset + 1;
      if (!this.state.isWatchStalled) for (const watcher of [...this.state.watchers]) watcher();
    });
  }

  read(offset: number, max: number): Promise<StoredBatch[]> {
    return this.run('read', () => {
      if (offset < this.state.trimmedBelow) throw conflict(offset, this.state.end);
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
    this.state.watchers.add(changed);
    return () => this.state.watchers.delete(changed);
  }

  writeSnapshot(snapshot: Snapshot): Promise<void> {
    return this.run('writeSnapshot', () => {
      const current = this.state.snapshot;
      if (current !== undefined && !isNewerSnapshot(snapshot, current)) {
        throw new BrokerError('store.conflict', 'a newer snapshot is there');
      }
      this.state.snapshot = { ...snapshot, chunks: snapshot.chunks.map((chunk) => Buffer.from(chunk)) };
    });
  }

  readSnapshot(): Promise<Snapshot | undefined> {
    return this.run('readSnapshot', () => this.state.snapshot);
  }

  trim(offset: number): Promise<void> {
    return this.run('trim', () => {
      for (let at = this.state.trimmedBelow; at < offset; at++) this.state.batches.delete(at);
      this.state.trimmedBelow = Math.max(this.state.trimmedBelow, offset);
    });
  }

  async close(): Promise<void> {}
}

export function conflict(offset: number, end: number): BrokerError {
  return new BrokerError('store.conflict', `offset ${offset} cannot be used, the log ends at ${end}`, {
    context: { offset, end },
  });
}
