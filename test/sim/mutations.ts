/**
 * Guards that keep the cluster safe, and how to switch each off alone. The simulator must notice: a check that finds
 * nothing when a guard is gone proves nothing while it is there.
 *
 * A mutation is a change of one source text, made while the module loads; production code has no switch for it. Each
 * text must stand in its file exactly once, so that a guard that moved or changed fails loudly here.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Mutation {
  readonly name: string;
  /** What no longer holds. */
  readonly guard: string;
  readonly changes: readonly { readonly file: string; readonly find: string; readonly replace: string }[];
}

const root = new URL('../../', import.meta.url);

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'unclean-restart',
    guard: 'an unclean restart leaves every in-sync set and every set of eligible leaders',
    changes: [
      {
        file: 'broker/controller/brokers.ts',
        find: 'const isClean = known !== undefined && registration.previousEpoch === known.epoch;',
        replace: 'const isClean = true;',
      },
    ],
  },
  {
    name: 'alter-partition-broker-epoch',
    guard: 'an in-sync proposal names the incarnations that fetched',
    changes: [
      {
        file: 'broker/controller/alter-partition.ts',
        find: 'return member.brokerEpoch === -1 || member.brokerEpoch === broker.epoch;',
        replace: 'return true;',
      },
      {
        file: 'broker/replication/peers.ts',
        find: 'peer !== undefined && !peer.isFenced && !peer.isShuttingDown && peer.brokerEpoch === brokerEpoch',
        replace: 'peer !== undefined && brokerEpoch >= 0',
      },
    ],
  },
  {
    name: 'maximal-isr',
    guard: 'the high watermark counts proposed members too',
    changes: [
      {
        file: 'broker/replication/in-sync-set.ts',
        find: '',
        replace: '',
      },
    ],
  },
];

/** Changes the sources of modules that are loaded from now on. Throws when a text is not there exactly once. */
export function mutate({ name, changes }: Mutation): void {
  for (const { file, find } of changes) {
    const count = readFileSync(fileURLToPath(new URL(file, root)), 'utf8').split(find).length - 1;
    if (count !== 1) throw new Error(`mutation ${name}: its text stands ${count} times in ${file}, not once`);
  }
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const mine = changes.filter(({ file }) => new URL(file, root).href === url);
      if (mine.length === 0) return loaded;
      let source = String(loaded.source);
      for (const { find, replace } of mine) source = source.replace(find, () => replace);
      return { ...loaded, source };
    },
  });
}
