/** Real processes on one real folder, killed in the middle of what they do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { silentLogger } from '../std/mod.ts';
import { nodeRuntime } from '../std/node-runtime.ts';
import { FilesStore } from './mod.ts';

const WRITER = fileURLToPath(new URL('../../test/support/store-writer.ts', import.meta.url));
const WRITERS = 3;
const KILLS = 6;
const BETWEEN_KILLS_MS = 300;

const children = new Set<ChildProcess>();
let folder = '';
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
  rmSync(folder, { recursive: true, force: true });
});

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => nodeRuntime(silentLogger).clock.after(ms, resolve));

test('processes that append, trim and are killed leave a dense log in which every answer is true', async () => {
  folder = mkdtempSync(join(tmpdir(), 'ottla-store-'));
  const store = new FilesStore({ ...nodeRuntime(silentLogger), folder });
  const won = new Map<number, string>();
  const problems: string[] = [];

  const start = (name: string): { readonly child: ChildProcess; readonly ended: Promise<void> } => {
    const child = spawn(process.execPath, [WRITER, folder, name], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => problems.push(chunk.toString()));
    const ended = new Promise<void>((resolve) => {
      child.on('close', () => {
        // A line that the kill cut short was not said.
        for (const line of output.split('\n').slice(0, -1)) {
          const [offset, text] = line.split('\t') as [string, string];
          if (won.has(Number(offset))) problems.push(`offset ${offset} was won twice`);
          won.set(Number(offset), text);
        }
        resolve();
      });
    });
    return { child, ended };
  };

  // Somebody who follows sees every offset once and in order, unless it was trimmed away before.
  const followed = new Map<number, string>();
  let hints = 0;
  const stopWatching = store.watch(() => hints++);
  let isFollowing = true;
  const following = (async () => {
    let next = 0;
    while (isFollowing) {
      try {
        for (const { offset, payload } of await store.read(next, 100)) {
          if (offset !== next) problems.push(`offset ${offset} came instead of ${next}`);
          followed.set(offset, payload.toString());
          next = offset + 1;
        }
      } catch (error) {
        if ((error as { code?: string }).code !== 'store.conflict') throw error;
        next = (await store.readSnapshot())?.offset ?? next;
      }
      await pause(5);
    }
  })();

  const writers = Array.from({ length: WRITERS }, (_, at) => start(`writer${at}`));
  for (let kill = 0; kill < KILLS; kill++) {
    await pause(BETWEEN_KILLS_MS);
    const at = kill % WRITERS;
    writers[at]?.child.kill('SIGKILL');
    await writers[at]?.ended;
    writers[at] = start(`writer${at} life ${kill}`);
  }
  await pause(BETWEEN_KILLS_MS);
  for (const { child } of writers) child.kill('SIGKILL');
  await Promise.all(writers.map(({ ended }) => ended));
  await pause(50);
  isFollowing = false;
  await following;
  stopWatching();

  expect(problems).toEqual([]);
  expect(won.size).toBeGreaterThan(50);
  expect(hints).toBeGreaterThan(0);
  const end = await store.end();
  expect(Math.max(...won.keys())).toBeLessThan(end);
  for (const [offset, text] of followed) expect(won.get(offset) ?? text).toBe(text);
  // Whoever was killed between its append and its word leaves a batch that nobody claims: one for each kill at most.
  expect(end - won.size).toBeLessThanOrEqual(KILLS + WRITERS);

  const fresh = new FilesStore({ ...nodeRuntime(silentLogger), folder });
  expect(await fresh.end()).toBe(end);
  const snapshot = await fresh.readSnapshot();
  expect(snapshot?.chunks.map((chunk) => chunk.toString().split(' ').at(-1))).toEqual(['0', '1']);
  const rest = await fresh.read(snapshot?.offset ?? 0, 1000);
  expect(rest.map(({ offset }) => offset)).toEqual(
    Array.from({ length: end - (snapshot?.offset ?? 0) }, (_, at) => (snapshot?.offset ?? 0) + at),
  );
  for (const { offset, payload } of rest) expect(won.get(offset) ?? payload.toString()).toBe(payload.toString());
  expect(readdirSync(join(folder, 'log')).length).toBeLessThan(200);
});
