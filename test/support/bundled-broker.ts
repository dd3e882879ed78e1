/** The broker as pods run it: without Node's compiler for TypeScript in memory, and without its time at start. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../hack/image.ts';

/** Inside the checkout, where a bundle finds its native packages. */
const cacheFolder = fileURLToPath(new URL('../../.cache/', import.meta.url));

/** Bundles the sources as they are now into a folder of the given name; returns what Node runs. */
export async function bundleBroker(name: string): Promise<string> {
  const folder = join(cacheFolder, name);
  await bundle(['broker/main.ts'], folder);
  return join(folder, 'main.mjs');
}
