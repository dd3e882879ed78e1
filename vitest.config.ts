import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['broker/**/*.test.ts', 'hack/**/*.test.ts', 'test/*.test.ts'],
    pool: 'threads',
    testTimeout: 30_000,
  },
});
