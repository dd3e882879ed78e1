import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle, LOADED_BY_URL } from './image.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ottla-image-'));
  await bundle(['broker/main.ts'], folder);
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
