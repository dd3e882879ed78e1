/** V8's own limits, in a process of its own. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../../test/support/command.ts';

const MODULE = fileURLToPath(new URL('./node-memory.ts', import.meta.url));
/** Keeps much of what it makes, for a while, as a broker does that makes thousands of partitions. */
const BURST = `
  const { limitYoungGeneration } = await import(process.argv[1]);
  if (process.argv[2] === 'limited') limitYoungGeneration();
  const { getHeapSpaceStatistics } = await import('node:v8');
  for (let turn = 0, kept = []; turn < 60; turn++) {
    for (let i = 0; i < 60_000; i++) kept.push({ i, list: [i] });
    if (kept.length > 1_500_000) kept = [];
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  process.stdout.write(String(young.space_size / 1024 / 1024));
`;

test('a burst of work does not leave a large young generation behind', async () => {
  const youngMiB = async (mode: string): Promise<number> => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', BURST, MODULE, mode]);
    return Number(stdout.toString());
  };
  const [limited, free] = await Promise.all([youngMiB('limited'), youngMiB('free')]);
  expect(limited).toBeGreaterThan(0);
  expect(limited).toBeLessThanOrEqual(64);
  // Else the burst is too small to show anything.
  expect(free).toBeGreaterThan(limited);
});
