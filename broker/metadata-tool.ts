/** What the metadata command does, apart from its command line: printing the log, and restoring a store. */
import type { BrokerConfig } from './config/mod.ts';
import { readControlSecret } from './control-secret.ts';
import type { CoordinationStore } from './coordination/mod.ts';
import { planListeners } from './listeners.ts';
import { PeerConnector, type PeerPosition, peerPositions } from './membership/mod.ts';
import {
  decodeBatch,
  decodeSnapshot,
  EMPTY_IMAGE,
  imageToRecords,
  LocalCopy,
  type MetadataImage,
  MetadataLoader,
  type MetadataRecord,
  restoreMetadata,
} from './metadata/mod.ts';
import { openStore } from './open-store.ts';
import { restoreProblem } from './restore-problem.ts';
import { LOCAL_COPY_FOLDER } from './start-broker.ts';
import { BrokerError, type Runtime, randomUuid } from './std/mod.ts';

const BATCHES_PER_READ = 100;
/** This tool is no broker, and asks all of them. */
const NOBODY = -1;

interface Tool {
  readonly runtime: Runtime;
  readonly config: BrokerConfig;
  readonly print: (line: string) => void;
  /** Default: the one that the configuration names. */
  readonly store?: CoordinationStore;
}

/** What this broker's own disk knows; undefined when it never ran. */
function ownCopy({ runtime, config }: Tool): MetadataImage | undefined {
  const { disk, log } = runtime;
  return new LocalCopy({ disk, folder: `${config.logFolders[0]}/${LOCAL_COPY_FOLDER}`, log }).read()?.image;
}

export async function dumpMetadata(
  options: Tool & { readonly copy?: boolean | undefined; readonly json?: boolean | undefined },
): Promise<void> {
  const { print } = options;
  const show = (offset: number | string, controllerEpoch: number, record: MetadataRecord): void => {
    const { kind, ...fields } = record;
    if (options.json === true) print(JSON.stringify({ offset, controllerEpoch, kind, ...readable(fields) }));
    else print(`${String(offset).padStart(8)}  epoch ${controllerEpoch}  ${kind} ${JSON.stringify(readable(fields))}`);
  };
  if (options.copy === true) {
    const image = ownCopy(options) ?? EMPTY_IMAGE;
    for (const record of imageToRecords({ ...image, unfinished: undefined }))
      show('copy', image.controllerEpoch, record);
    print(`The copy reaches up to offset ${image.nextOffset}, under controller epoch ${image.controllerEpoch}.`);
    return;
  }
  const store = await openStore(options.config, options.runtime);
  try {
    const end = await store.end();
    const snapshot = await store.readSnapshot();
    for (const batch of decodeSnapshot(snapshot?.chunks ?? [])) {
      for (const record of batch.records) show(`<${snapshot?.offset}`, batch.controllerEpoch, record);
    }
    for (let next = snapshot?.offset ?? 0; next < end; ) {
      const batches = await store.read(next, BATCHES_PER_READ);
      if (batches.length === 0) break;
      for (const { offset, payload } of batches) {
        const { controllerEpoch, records } = decodeBatch(payload);
        for (const record of records) show(offset, controllerEpoch, record);
        next = offset + 1;
      }
    }
    print(`The log ends at offset ${end}.`);
  } finally {
    await store.close();
  }
}

/** Keys and salts of users are secrets: their sizes must do. */
function readable(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, Buffer.isBuffer(value) ? `${value.length} bytes` : value]),
  );
}

export async function describeRestore(options: Tool & { readonly apply: boolean }): Promise<void> {
  const { runtime, print, apply } = options;
  const copy = ownCopy(options);
  if (copy === undefined) {
    throw new BrokerError('config.invalid', 'this data folder has no copy of the metadata; name another with log.dirs');
  }
  const store = options.store ?? (await openStore(options.config, runtime));
  try {
    const end = await store.end();
    print(`The store ends at offset ${end}; this broker knows the log up to ${copy.nextOffset}.`);
    print(
      `It knows ${copy.topicsById.size} topic(s), ${copy.brokers.size} broker(s), under controller epoch ` +
        `${copy.controllerEpoch}.`,
    );
    const present = await imageIn(store, runtime);
    const peers = await registeredPositions(options, copy, present);
    for (const { brokerId, position } of peers) {
      print(`Broker ${brokerId} answers, and knows the log up to ${position.nextOffset}.`);
    }
    const problem = restoreProblem({ copy, store: present, peers });
    if (problem !== undefined && apply) throw new BrokerError('store.conflict', problem);
    if (!apply) {
      print(problem ?? 'With --apply this is what every broker will go by; whatever else the store says is given up.');
      return;
    }
    print(`Restored: the log goes on at offset ${await restoreMetadata(store, copy, randomUuid(runtime.random))}.`);
  } finally {
    await store.close();
  }
}

/** What the store says now, as far as it can be read; empty where it lost too much for that. */
async function imageIn(store: CoordinationStore, { clock, log }: Runtime): Promise<MetadataImage> {
  const loader = new MetadataLoader({ store, clock, log });
  await loader.catchUp().catch((error: unknown) => {
    if (!(error instanceof BrokerError)) throw error;
  });
  return loader.image;
}

/** What the brokers know that are registered in the copy or in the store, as far as they answer. */
async function registeredPositions(
  { runtime, config }: Tool,
  copy: MetadataImage,
  present: MetadataImage,
): Promise<PeerPosition[]> {
  const { network, random, clock, disk } = runtime;
  const nodeId = NOBODY;
  const secret = readControlSecret(config, disk, planListeners(config));
  const connector = new PeerConnector({ network, random, nodeId, secret });
  const { clusterId } = copy;
  const asked = [copy, present].map((image) => peerPositions({ image, nodeId, connector, clock, clusterId }));
  const byBroker = new Map<number, PeerPosition>();
  // A broker may have another address since the copy was written; the one process answers at either.
  for (const peer of (await Promise.all(asked)).flat()) byBroker.set(peer.brokerId, peer);
  return [...byBroker.values()].sort((left, right) => left.brokerId - right.brokerId);
}
