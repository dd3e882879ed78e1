/** How long appends and reads of one batch take, printed for people. Nothing passes or fails by it. */
import type { CoordinationStore } from '../../broker/coordination/mod.ts';

const APPENDS = 100;
const SIZES = [1000, 64 * 1024];

export async function measureStore(name: string, store: CoordinationStore): Promise<void> {
  let offset = await store.end();
  for (const sizeBytes of SIZES) {
    const payload = Buffer.alloc(sizeBytes, 'x');
    const appendMs: number[] = [];
    const readMs: number[] = [];
    for (let count = 0; count < APPENDS; count++, offset++) {
      const startMs = performance.now();
      await store.append(offset, payload);
      const appendedMs = performance.now();
      await store.read(offset, 1);
      appendMs.push(appendedMs - startMs);
      readMs.push(performance.now() - appendedMs);
    }
    const totalMs = appendMs.reduce((sum, ms) => sum + ms, 0);
    process.stdout.write(
      `${name}: ${sizeBytes} bytes: ${Math.round((APPENDS * 1000) / totalMs)} appends/s, ` +
        `append ${percentiles(appendMs)}, read ${percentiles(readMs)}\n`,
    );
  }
}

function percentiles(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] as number).toFixed(1);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
