/** The two images of the suite: the broker's, as `npm run image` makes it, and the load's. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, copyPackage, NATIVE_PACKAGES } from '../../hack/image.ts';
import { mustRun } from '../support/command.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, '.cache/e2e');
const BUILD_MS_MAX = 300_000;

export const BROKER_IMAGE = 'ottla:dev';
export const LOAD_IMAGE = 'ottla-e2e:dev';

export async function buildImages(environment: Record<string, string>): Promise<void> {
  const makeImage = ['hack/image.ts', '--tag', BROKER_IMAGE];
  await mustRun(process.execPath, makeImage, { cwd: root, env: environment, timeoutMs: BUILD_MS_MAX });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await bundle(['test/e2e/load-pod.ts'], join(folder, 'app'));
  for (const name of NATIVE_PACKAGES) copyPackage(name, join(folder, 'app/node_modules'));
  cpSync(join(root, 'test/e2e/Dockerfile'), join(folder, 'Dockerfile'));
  const build = ['build', '-t', LOAD_IMAGE, '-f', join(folder, 'Dockerfile'), folder];
  await mustRun('buildah', build, { env: environment, timeoutMs: BUILD_MS_MAX });
}
