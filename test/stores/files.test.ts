/** The store in a folder, on the real file system of this machine: three brokers on it, and its speed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FilesStore } from '../../broker/coordination/mod.ts';
import { silentLogger } from '../../broker/std/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import { until } from '../support/real-world.ts';
import { checkCluster } from './cluster.ts';
import { measureStore } from './measure.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ottla-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('files: watchers hear of appends by others within a few milliseconds', async () => {
  const [a, b] = [0, 1].map(() => new FilesStore({ ...nodeRuntime(silentLogger), folder })) as [FilesStore, FilesStore];
  let heardAtMs = 0;
  const stop = b.watch(() => {
    heardAtMs = performance.now();
  });
  for (let offset = 0; offset < 20; offset++) {
    heardAtMs = 0;
    await a.append(offset, Buffer.from('x'));
    const appendedMs = performance.now();
    await until(() => heardAtMs > 0);
    expect(heardAtMs - appendedMs).toBeLessThan(100);
  }
  stop();
});

test('files: three brokers agree through it', async () => {
  await checkCluster('files', { 'ottla.coordination.folder': folder });
});

test('files: how fast it is', async () => {
  await measureStore('files', new FilesStore({ ...nodeRuntime(silentLogger), folder }));
});
