/**
 * SIGTERM and SIGINT, from the first moment of the process to its last. PID 1 ignores a signal that nobody listens for,
 * and would then be killed; and what a process opens while it starts has to be closed as well.
 *
 * It ends by raising the signal again, not by process.exit(): under load the latter can hang for ever in Node 24, when
 * the main thread waits for workers that wait for a garbage collection. PID 1 has no choice: the kernel drops the
 * signals that it sends itself.
 */
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export class StopSignals {
  private readonly controller = new AbortController();
  private received: (typeof SIGNALS)[number] | undefined;
  private graceMs = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    for (const signal of SIGNALS) process.on(signal, () => this.receive(signal));
  }

  /** Aborted with the first signal; later ones change nothing. */
  get requested(): AbortSignal {
    return this.controller.signal;
  }

  /** The signal that was received. */
  get name(): string | undefined {
    return this.received;
  }

  /** However far it has come with stopping, the process ends so long after the signal. */
  endAfter(graceMs: number): void {
    this.graceMs = graceMs;
  }

  /** Ends the process, as the signal would have. */
  end(): void {
    const signal = this.received ?? 'SIGTERM';
    clearTimeout(this.timer);
    for (const each of SIGNALS) process.removeAllListeners(each);
    if (process.pid === 1) process.exit();
    process.kill(process.pid, signal);
  }

  /** Ends the process as a crash does, so that whatever watches over it starts it again. */
  endAtOnce(): void {
    if (process.pid === 1) process.exit(1);
    process.kill(process.pid, 'SIGKILL');
  }

  private receive(signal: (typeof SIGNALS)[number]): void {
    if (this.received !== undefined) return;
    this.received = signal;
    // It also keeps the process alive while it stops and only timers are left that do not.
    this.timer = setTimeout(() => this.end(), this.graceMs);
    this.controller.abort();
  }
}
