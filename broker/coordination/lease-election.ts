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

type Around = <Result>(operation: () => Promise<Result>) => Promise<Result>;

export class LeaseElection {
  private readonly register: LeaseRegister;
  private readonly clock: Clock;
  private readonly around: Around;
  private seenVersion: string | undefined;
  private seenSinceMs = 0;

  /** `around` surrounds each operation with what its store adds to all of them. */
  constructor(register: LeaseRegister, clock: Clock, around: Around = (operation) => operation()) {
    this.register = register;
    this.clock = clock;
    this.around = around;
  }

  read(): Promise<Lease | undefined> {
    return this.around(() => this.look());
  }

  /**
   * Takes the lease, or renews it, when it is free, held by `holder`, or was seen unchanged by this process for its
   * whole duration; returns the lease as it then stands.
   */
  acquire(holder: string, durationMs: number): Promise<Lease> {
    return this.around(() => this.acquireOnce(holder, durationMs));
  }

  /**
   * Takes the lease at once from a holder that is known to be dead, if it is still exactly what `from` was; returns the
   * lease as it then stands. A mistake costs a change of controller, never data.
   */
  take(holder: string, durationMs: number, from: Lease): Promise<Lease> {
    const terms = { holder, epoch: from.epoch + 1, durationMs };
    return this.around(async () => this.see(await this.register.swap(from, terms)));
  }

  /** Gives the lease up early; silent when another holds it. */
  release(holder: string): Promise<void> {
    return this.around(() => this.releaseOnce(holder));
  }

  private async look(): Promise<Lease | undefined> {
    const lease = await this.register.read();
    if (lease !== undefined) this.see(lease);
    return lease;
  }

  private async acquireOnce(holder: string, durationMs: number): Promise<Lease> {
    const current = await this.look();
    if (current === undefined) return this.see(await this.register.swap(undefined, { holder, epoch: 1, durationMs }));
    const isOurs = current.holder === holder;
    if (!isOurs && current.holder !== '' && !this.hasRunOut(current)) return current;
    const epoch = isOurs ? current.epoch : current.epoch + 1;
    return this.see(await this.register.swap(current, { holder, epoch, durationMs }));
  }

  private async releaseOnce(holder: string): Promise<void> {
    const current = await this.look();
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
