/** Everything that can be said of the sources without running them: types, lint, format, generated files. */
import { spawnSync } from 'node:child_process';

const checks = [
  ['types', 'tsc', ['--noEmit']],
  ['lint and format', 'biome', ['check', '--error-on-warnings', '.']],
  ['lint (oxlint)', 'oxlint', ['--quiet', 'broker', 'hack', 'test']],
  ['generated codecs', process.execPath, ['hack/generate-codecs.ts', '--check']],
];

let failed = 0;
for (const [title, command, args] of checks) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${title}\n`);
  if (status !== 0) failed++;
}
process.stdout.write(`${checks.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
