/** How a broker that was told to stop spends the time that it has: `ottla.stop.permit.ms` and `ottla.stop.grace.ms`. */
import type { BrokerConfig } from './config/mod.ts';
import { BrokerError } from './std/mod.ts';

const PERMIT_KEY = 'ottla.stop.permit.ms';
const PERMIT_MS = 5000;
const GRACE_KEY = 'ottla.stop.grace.ms';
/** What Kubernetes gives a pod that asks for nothing else. */
const GRACE_MS = 30_000;
/** The end of the grace, which belongs to the logs alone; half of a grace that is shorter than two of it. */
const FLUSH_MS = 10_000;

export interface StopSettings {
  /** The longest wait for the permit to stop; 0 asks for none. */
  readonly permitMs: number;
  /** From the signal until whoever sent it kills the process. */
  readonly graceMs: number;
  /** The pod that a permit is asked for. */
  readonly podUid: string | null;
}

export function stopSettings(config: BrokerConfig): StopSettings {
  const values = config.staticValues();
  const milliseconds = (key: string, fallback: number): number => {
    const text = values.get(key) ?? String(fallback);
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new BrokerError('config.invalid', `${key} is '${text}'; write a whole number of milliseconds`);
  };
  return {
    permitMs: milliseconds(PERMIT_KEY, PERMIT_MS),
    graceMs: milliseconds(GRACE_KEY, GRACE_MS),
    podUid: values.get('ottla.pod.uid') ?? null,
  };
}

/** From the signal until the logs are flushed, whatever is unfinished by then. */
export function flushAfterMs({ graceMs }: StopSettings): number {
  return graceMs - Math.min(FLUSH_MS, graceMs / 2);
}
