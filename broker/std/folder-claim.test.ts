import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { claimFolder } from './folder-claim.ts';

const module = fileURLToPath(new URL('./folder-claim.ts', import.meta.url));

test('a folder that a living process has is refused, and is free once that process is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-claim-'));
  const script = `import('${module}').then(({ claimFolder }) => {
    claimFolder('${folder}');
    process.stdout.write('claimed');
    setInterval(() => {}, 1000);
  });`;
  const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    expect(() => claimFolder(folder)).toThrow(/in use by process/);
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await gone;
    claimFolder(folder);
    claimFolder(folder);
  } finally {
    holder.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a claim that says nothing sensible is taken over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-claim-'));
  writeFileSync(join(folder, '.ottla.pid'), 'garbage');
  claimFolder(folder);
  rmSync(folder, { recursive: true, force: true });
});
