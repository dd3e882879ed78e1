/** How long each partition went without an acknowledgement, at worst, since the meter was last set to zero. */
export class GapMeter {
  private readonly lastMs: number[];
  private readonly worstMs: number[];

  constructor(partitions: number, nowMs: number) {
    this.lastMs = Array.from({ length: partitions }, () => nowMs);
    this.worstMs = Array.from({ length: partitions }, () => 0);
  }

  acknowledged(partition: number, nowMs: number): void {
    this.worstMs[partition] = Math.max(this.worstMs[partition] as number, nowMs - (this.lastMs[partition] as number));
    this.lastMs[partition] = nowMs;
  }

  reset(): void {
    this.worstMs.fill(0);
  }

  /** The longest gap of all partitions; one that is still open counts. */
  worst(nowMs: number): number {
    return Math.max(...this.worstMs, ...this.lastMs.map((lastMs) => nowMs - lastMs));
  }
}

/** The value below which `share` of them lie; the largest few decide where there are few. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
