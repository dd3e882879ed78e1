/** How long to wait before the next try: twice as long each time up to a bound, half of it by chance. */
import type { Random } from './runtime.ts';

export class Backoff {
  private readonly firstMs: number;
  private readonly mostMs: number;
  private readonly random: Random;
  private nextMs: number;

  constructor(options: { readonly firstMs: number; readonly mostMs: number; readonly random: Random }) {
    this.firstMs = options.firstMs;
    this.mostMs = options.mostMs;
    this.random = options.random;
    this.nextMs = options.firstMs;
  }

  /** Many who failed at one moment do not all come back at one moment. */
  delayMs(): number {
    const currentMs = this.nextMs;
    this.nextMs = Math.min(this.mostMs, currentMs * 2);
    return currentMs / 2 + (currentMs / 2) * (this.random.uint32() / 2 ** 32);
  }

  /** It went well. */
  reset(): void {
    this.nextMs = this.firstMs;
  }
}
