import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/stores/*.test.ts'],
    // Two cores, and real servers beside us: one after the other.
    fileParallelism: false,
    testTimeout: 60_000,
    reporters: ['verbose'],
  },
});
