/**
 * Makes the broker's image: bundles the sources, lays the native packages beside them, and builds the Dockerfile with
 * whichever builder is here. The image itself runs no npm, so it builds without a registry.
 *
 *   npm run image [-- --tag ottla:dev] [--bundle-only]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, '.cache/image');

/** Packages with code of the machine in them, which no bundle can hold. */
export const NATIVE_PACKAGES = ['@node-rs/crc32', 'koffi', 'lz4-napi', 'snappy'];
/** What the image can run: the broker, and beside it the command that mends its metadata, which needs its volume. */
export const ENTRY_POINTS = ['broker/main.ts', 'broker/metadata-main.ts'];
const BUILDERS = ['docker', 'podman', 'buildah'];

/** Modules that are loaded by their URL, as workers are: each is a file of its own name beside the bundle. */
export const LOADED_BY_URL = ['broker/std/job-worker.ts', 'broker/log/cleaner/clean-job.ts'];
const URL_OF_MODULE = /new URL\('\.\/([a-z-]+)\.ts', import\.meta\.url\)/g;

/** Packages in CommonJS ask for Node's modules with require, which a module does not have. */
const REQUIRE_BANNER = `import { createRequire as requireOf } from 'node:module';
const require = requireOf(import.meta.url);`;

const keepUrls: Plugin = {
  name: 'modules that are loaded by their URL',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]broker[/\\].*\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const missing = [...source.matchAll(URL_OF_MODULE)].find(
        ([, name]) => !LOADED_BY_URL.some((module) => module.endsWith(`/${name}.ts`)),
      );
      if (missing !== undefined) return { errors: [{ text: `${missing[0]} in ${path}: add it to LOADED_BY_URL` }] };
      return { contents: source.replace(URL_OF_MODULE, "new URL('./$1.mjs', import.meta.url)"), loader: 'ts' };
    });
  },
};

/** Bundles entry points into one folder; what they share is in chunks beside them. */
export async function bundle(entryPoints: readonly string[], outdir: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [...entryPoints, ...LOADED_BY_URL],
    outdir,
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: NATIVE_PACKAGES,
    banner: { js: REQUIRE_BANNER },
    plugins: [keepUrls],
    logLevel: 'warning',
  });
}

/** Copies a package, what it depends on, and those of its optional packages that are installed on this machine. */
export function copyPackage(name: string, into: string, copied = new Set<string>()): void {
  const from = join(root, 'node_modules', name);
  if (copied.has(name) || !existsSync(from)) return;
  copied.add(name);
  cpSync(from, join(into, name), { recursive: true, dereference: true });
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) copyPackage(needed, into, copied);
}

async function makeImage(): Promise<void> {
  const { values } = parseArgs({ options: { tag: { type: 'string' }, 'bundle-only': { type: 'boolean' } } });
  const tag = values.tag ?? 'ottla:dev';
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await bundle(ENTRY_POINTS, join(folder, 'app'));
  for (const name of NATIVE_PACKAGES) copyPackage(name, join(folder, 'app/node_modules'));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'app/version'), `${version}\n`);
  process.stdout.write(`bundled into ${folder}\n`);
  if (values['bundle-only'] === true) return;
  if (process.platform !== 'linux') {
    throw new Error('the image needs native packages for Linux: build it on Linux, or in a container');
  }
  // A client without its daemon builds nothing, so each is asked how it is.
  const builder = BUILDERS.find((each) => spawnSync(each, ['info']).status === 0);
  if (builder === undefined) throw new Error(`none of ${BUILDERS.join(', ')} works here`);
  const { status } = spawnSync(builder, ['build', '-t', tag, '-f', join(root, 'Dockerfile'), folder], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`${builder} build ended with ${status}`);
  process.stdout.write(`built ${tag} with ${builder}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await makeImage().catch((error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  });
}
