import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle, copyPackage, ENTRY_POINTS, LOADED_BY_URL, NATIVE_PACKAGES } from './image.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ottla-image-'));
  await bundle(ENTRY_POINTS, folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('no module of the bundle is looked for where only sources are', () => {
  const outputs = readdirSync(folder).filter((name) => name.endsWith('.mjs'));
  for (const module of LOADED_BY_URL) expect(outputs).toContain(basename(module, '.ts').concat('.mjs'));
  for (const name of outputs) expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/new URL\([^)]*\.ts["']/);
});

test('the bundled worker loads the bundled job', async () => {
  const worker = new Worker(join(folder, 'job-worker.mjs'));
  const answered = new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  worker.postMessage({ id: 7, module: pathToFileURL(join(folder, 'clean-job.mjs')).href, job: 'none', input: null });
  expect(await answered).toEqual({ id: 7, output: undefined });
  await worker.terminate();
});

test('the image can look at the metadata of a broker and restore it, configured as the broker is', () => {
  for (const name of NATIVE_PACKAGES) copyPackage(name, join(folder, 'node_modules'));
  const config = join(folder, 'server.properties');
  writeFileSync(config, `log.dirs=${join(folder, 'data')}\nlisteners=PLAINTEXT://:9092\n`);
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(folder, 'metadata-main.mjs'), ...args, '--config', config], { encoding: 'utf8' });
  expect(run('dump').stdout).toBe('The log ends at offset 0.\n');
  expect(run('dump', '--copy').stdout).toMatch(/^The copy reaches up to offset 0/);
  const { status, stderr } = run('restore', '--apply');
  expect([status, stderr]).toEqual([1, expect.stringContaining('this data folder has no copy of the metadata')]);
});
