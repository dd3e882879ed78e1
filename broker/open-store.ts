/** Opens the coordination store that the configuration names with Ottla's own keys, `ottla.coordination` and below. */
import { dirname, resolve } from 'node:path';
import type { BrokerConfig } from './config/mod.ts';
import { type CoordinationStore, FilesStore, openKubernetesStore, openRedisStore } from './coordination/mod.ts';
import { decodeBatch } from './metadata/mod.ts';
import { BrokerError, type Runtime } from './std/mod.ts';

const KEY = 'ottla.coordination';
/** Which of the keys below `ottla.coordination` mean something to each store. */
const KEYS_OF: Readonly<Record<string, readonly string[]>> = {
  files: ['folder'],
  redis: ['url', 'lease'],
  kubernetes: ['namespace', 'lease'],
};
/**
 * Named so that a Kafka can have the data folder back: it ends when a folder beside its logs is not named like a
 * partition, and leaves those of its own metadata log alone, of which it has only number 0.
 */
const DEFAULT_FOLDER = '__cluster_metadata-20000';
const DEFAULT_LEASE = 'ottla';
/** It names objects of Kubernetes, with some characters behind it. */
const LEASE_NAME = /^[a-z0-9]([-a-z0-9]{0,198}[a-z0-9])?$/;
/** As much as the definition of a slot takes. */
const SUMMARY_CHARACTERS_MAX = 1024;

/** Whether the store lies in the broker's own data, where no other broker looks for it. */
export function hasOwnStore(config: BrokerConfig): boolean {
  const values = config.staticValues();
  return (values.get(KEY) ?? 'files') === 'files' && !values.has(`${KEY}.folder`);
}

export async function openStore(
  config: BrokerConfig,
  runtime: Runtime,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<CoordinationStore> {
  const values = config.staticValues();
  const kind = values.get(KEY) ?? 'files';
  const known = KEYS_OF[kind];
  if (known === undefined) throw invalid(KEY, `is '${kind}'; it is one of ${Object.keys(KEYS_OF).join(', ')}`);
  for (const name of values.keys()) {
    if (!name.startsWith(`${KEY}.`) || known.includes(name.slice(KEY.length + 1))) continue;
    throw invalid(name, `means nothing with ${KEY}=${kind}, which takes ${known.map((key) => `${KEY}.${key}`)}`);
  }

  if (kind === 'files') return openFilesStore(values.get(`${KEY}.folder`) ?? defaultFolder(config), runtime);
  const lease = values.get(`${KEY}.lease`) ?? DEFAULT_LEASE;
  if (!LEASE_NAME.test(lease)) throw invalid(`${KEY}.lease`, `is '${lease}'; use lower-case letters, digits and '-'`);
  if (kind === 'kubernetes') {
    const namespace = values.get(`${KEY}.namespace`);
    return openKubernetesStore({ runtime, environment, namespace, lease, summarize });
  }
  const url = values.get(`${KEY}.url`);
  if (url === undefined || !/^rediss?:\/\//.test(url))
    throw invalid(`${KEY}.url`, 'must be a redis:// or rediss:// URL');
  return openRedisStore({ runtime, url, prefix: lease });
}

function invalid(name: string, problem: string): BrokerError {
  return new BrokerError('config.invalid', `${name} ${problem}`, { context: { name } });
}

function defaultFolder(config: BrokerConfig): string {
  return `${config.logFolders[0]}/${DEFAULT_FOLDER}`;
}

function openFilesStore(path: string, { disk, clock, random }: Runtime): FilesStore {
  const folder = resolve(path);
  disk.makeFolder(folder);
  disk.syncFolder(dirname(folder));
  return new FilesStore({ disk, clock, random, folder });
}

/** What `kubectl get metadataslots` shows of a batch: how many records of each kind. */
function summarize(payload: Buffer): { readonly controllerEpoch: number; readonly summary: string } {
  const { controllerEpoch, records } = decodeBatch(payload);
  const counts = new Map<string, number>();
  for (const { kind } of records) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const summary = [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
  return { controllerEpoch, summary: summary.slice(0, SUMMARY_CHARACTERS_MAX) };
}
