/**
 * Whether this broker is alone: it reaches neither the store nor any other broker of its cluster.
 *
 * What it leads may be led by others by now, and it cannot know. Nothing it acknowledges to acks=all could be
 * committed, but what it would take under acks=1, and what it would show, may be cut off later. So it stops serving
 * clients until it hears of anybody; the process lives on, and no probe fails for it but readiness.
 */
import type { Clock, Logger } from '../std/mod.ts';

export interface LastContacts {
  /** Monotonic times of this process, in milliseconds. */
  readonly storeMs: number;
  readonly peerMs: number;
}

export function isIsolated(options: {
  readonly contacts: LastContacts;
  readonly nowMs: number;
  readonly timeoutMs: number;
  /** Registered brokers, this one included: whoever has no others cannot be cut off from them. */
  readonly brokerCount: number;
}): boolean {
  const { contacts, nowMs, timeoutMs, brokerCount } = options;
  if (brokerCount < 2) return false;
  return nowMs - Math.max(contacts.storeMs, contacts.peerMs) > timeoutMs;
}

const LOOK_EVERY_MS = 500;

/** Looks from time to time, so that whoever serves a request reads a flag. */
export class IsolationWatch {
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly look: () => boolean;
  private isAlone = false;
  private isClosed = false;

  constructor(options: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly timeoutMs: number;
    readonly contacts: () => LastContacts;
    readonly brokerCount: () => number;
  }) {
    const { clock, timeoutMs, contacts, brokerCount } = options;
    this.clock = clock;
    this.log = options.log;
    this.look = () =>
      isIsolated({ contacts: contacts(), nowMs: clock.monotonicMs(), timeoutMs, brokerCount: brokerCount() });
    this.plan();
  }

  get isIsolated(): boolean {
    return this.isAlone;
  }

  private plan(): void {
    if (this.isClosed) return;
    const isAlone = this.look();
    if (isAlone !== this.isAlone) {
      this.isAlone = isAlone;
      if (isAlone) this.log.error({}, 'cut off from the store and from every other broker: clients are not served');
      else this.log.info({}, 'in touch again: clients are served');
    }
    this.clock.after(LOOK_EVERY_MS, () => this.plan());
  }

  close(): void {
    this.isClosed = true;
  }
}
