/**
 * Replication traffic that an operator holds back (KIP-73), so that moving replicas does not starve clients.
 *
 * Only replicas named in `leader.` or `follower.replication.throttled.replicas` are held back, and only while they are
 * not in sync: their bytes always count, but a member of the in-sync set is never slowed.
 */
import type { Clock } from '../std/mod.ts';

/** Kafka measures over eleven windows of a second; a burst as large as one of them is let through. */
const BURST_SECONDS = 1;

export class ReplicationThrottle {
  private readonly clock: Clock;
  private readonly bytesPerSecond: () => number;
  private availableBytes = 0;
  private refilledMs: number;

  constructor(clock: Clock, bytesPerSecond: () => number) {
    this.clock = clock;
    this.bytesPerSecond = bytesPerSecond;
    this.refilledMs = clock.monotonicMs();
    this.availableBytes = bytesPerSecond() * BURST_SECONDS;
  }

  /** Counts bytes that went through; they may exceed what was available, and the debt is waited off. */
  record(bytes: number): void {
    this.refill();
    this.availableBytes -= bytes;
  }

  get isExceeded(): boolean {
    this.refill();
    return this.availableBytes <= 0;
  }

  private refill(): void {
    const nowMs = this.clock.monotonicMs();
    const rate = this.bytesPerSecond();
    const gained = (rate * (nowMs - this.refilledMs)) / 1_000;
    this.refilledMs = nowMs;
    this.availableBytes = Math.min(this.availableBytes + gained, rate * BURST_SECONDS);
  }
}

/** Which partitions of a topic a broker throttles: all, or those listed. */
export type ThrottledPartitions = 'all' | ReadonlySet<number>;

const NONE: ThrottledPartitions = new Set<number>();

/** Reads `*`, or a list of `partition:broker` pairs, as it concerns one broker. */
export function throttledPartitions(value: readonly string[], nodeId: number): ThrottledPartitions {
  if (value.length === 0) return NONE;
  if (value.includes('*')) return 'all';
  const partitions = new Set<number>();
  for (const pair of value) {
    const [partition, broker] = pair.split(':');
    if (Number(broker) === nodeId) partitions.add(Number(partition));
  }
  return partitions;
}

export function isThrottled(throttled: ThrottledPartitions | undefined, partition: number): boolean {
  return throttled === 'all' || (throttled?.has(partition) ?? false);
}
