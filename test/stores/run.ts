/**
 * The coordination stores on real servers: a Redis that is installed here if need be, and the Kubernetes API that
 * KUBECONFIG names. What is not there is skipped, and said.
 *
 *   npm run stores [-- files | redis | kubernetes]
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureCommand } from '../support/command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const wanted = process.argv.slice(2);
const isWanted = (store: string): boolean => wanted.length === 0 || wanted.includes(store);

const files = isWanted('files') ? ['test/stores/files.test.ts'] : [];
const skipped: string[] = [];
if (isWanted('redis')) {
  if (await ensureCommand('redis-server', 'redis-server')) files.push('test/stores/redis.test.ts');
  else skipped.push('redis: redis-server is not installed, and cannot be installed here');
}
if (isWanted('kubernetes')) {
  if ((process.env.KUBECONFIG ?? '') !== '') files.push('test/stores/kubernetes.test.ts');
  else skipped.push('kubernetes: KUBECONFIG names no cluster; any will do, the tests make a namespace of their own');
}
const sayWhatIsSkipped = (): void => {
  for (const reason of skipped) process.stdout.write(`\n*** SKIPPED ${reason}\n`);
};

sayWhatIsSkipped();
if (files.length === 0) process.stdout.write(`0 passed, 0 failed, ${skipped.length} skipped\n`);
else {
  const vitest = join(root, 'node_modules/.bin/vitest');
  const args = ['run', '--config', 'test/stores/vitest.config.ts', ...files];
  const child = spawn(vitest, args, { cwd: root, stdio: 'inherit' });
  child.on('exit', (code) => {
    sayWhatIsSkipped();
    process.exitCode = code ?? 1;
  });
}
