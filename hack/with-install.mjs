/**
 * Runs a command of this project after making sure that its dependencies are there, so that `npm start` and `npm test`
 * work from a fresh clone. Plain JavaScript without imports of our own: it must run under any Node from 18 on.
 *
 *   node hack/with-install.mjs broker/main.ts --config server.properties
 *   node hack/with-install.mjs vitest run
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 22;
const root = fileURLToPath(new URL('..', import.meta.url));
const binaries = join(root, 'node_modules', '.bin');
const lockfile = join(root, 'package-lock.json');
const installed = join(root, 'node_modules', '.package-lock.json');

function isInstalled() {
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs;
}

if (!isInstalled()) {
  process.stderr.write('Installing dependencies (npm ci) ...\n');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    process.stderr.write('npm ci failed; its output above says why.\n');
    process.exit(npm.status ?? 1);
  }
}

const pinnedNode = join(binaries, process.platform === 'win32' ? 'node.cmd' : 'node');
const hasPinnedNode = existsSync(pinnedNode);
if (!hasPinnedNode && Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `Node ${process.versions.node} is too old and no packaged Node exists for ${process.platform}-${process.arch}: ` +
      `install Node ${NODE_MAJOR_MIN} or newer.\n`,
  );
  process.exit(1);
}

const [command, ...rest] = process.argv.slice(2);
const node = hasPinnedNode ? pinnedNode : process.execPath;
const isScript = /\.(ts|mjs)$/.test(command);
const child = spawn(isScript ? node : join(binaries, command), isScript ? [command, ...rest] : rest, {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH ?? ''}` },
  shell: process.platform === 'win32',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => child.kill(signal));
}
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
