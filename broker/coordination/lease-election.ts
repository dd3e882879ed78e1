/**
 * Who holds the lease: the same rules on every store, over a register that changes by compare-and-set.
 *
 * A lease says how long it lasts, never until when: two machines do not share a clock. Whoever wants it counts, on a
 * monotonic clock of its own, how long it has seen the lease unchanged; a process that just started therefore waits the
 * whole duration. The holder renews well before that. Clocks that jump do nothing here, and clocks that run at the
 * wrong speed only cost a change of holder.
 */
import type { Clock } from '../std/mod.ts';
import type { Lease } from './store.ts';

export type LeaseTerms = Omit<Lease, 'version'>;

export interface LeaseRegister {
  read(): Promise<Lease | undefined>;
  /** Writes `next` if the lease is still what `from` was; returns the lease as it then stands. */
  swap(from: Lease | undefined, next: LeaseTerms): Promise<Lease>;
}

export class LeaseElection {
  private readonly register: LeaseRegister;
  private readonly clock: Clock;
  private seenVersion: string | undefined;
  private seenSinceMs = 0;

  constructor(register: LeaseRegister, clock: Clock) {
    this.register = register;
    this.clock = clock;
  }

  async read(): Promise<Lease | undefined> {
    const lease = await this.register.read();
    if (lease !== undefined) this.see(lease);
    return lease;
  }

  async acquire(holder: string, durationMs: number): Promise<Lease> {
    const current = await this.read();
    if (current === undefined) return this.see(await this.register.swap(undefined, { holder, epoch: 1, durationMs }));
    const isOurs = current.holder === holder;
    if (!isOurs && current.holder !== '' && !this.hasRunOut(current)) return current;
    const epoch = isOurs ? current.epoch : current.epoch + 1;
    return this.see(await this.register.swap(current, { holder, epoch, durationMs }));
  }

  async take(holder: string, durationMs: number, from: Lease): Promise<Lease> {
    return this.see(await this.register.swap(from, { holder, epoch: from.epoch + 1, durationMs }));
  }

  async release(holder: string): Promise<void> {
    const current = await this.read();
    if (current?.holder !== holder) return;
    const { epoch, durationMs } = current;
    this.see(await this.register.swap(current, { holder: '', epoch, durationMs }));
  }

  private see(lease: Lease): Lease {
    if (lease.version !== this.seenVersion) {
      this.seenVersion = lease.version;
      this.seenSinceMs = this.clock.monotonicMs();
    }
    return lease;
  }

  private hasRunOut(lease: Lease): boolean {
    return this.clock.monotonicMs() - this.seenSinceMs >= lease.durationMs;
  }
}
