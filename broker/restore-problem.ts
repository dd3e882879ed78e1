/**
 * Why a store may not be restored from one broker's copy of the metadata: a restore is what every broker goes by
 * afterwards, and whatever the copy does not know is given up.
 */
import type { PeerPosition } from './membership/mod.ts';
import { type MetadataImage, positionOf, relateToHistory } from './metadata/mod.ts';

export function restoreProblem(options: {
  readonly copy: MetadataImage;
  /** What the store says now. */
  readonly store: MetadataImage;
  readonly peers: readonly PeerPosition[];
}): string | undefined {
  const { copy, store, peers } = options;
  if (store.nextOffset > copy.nextOffset && relateToHistory(store, positionOf(copy)) === 'same') {
    return 'The store holds all that this copy knows, and more: there is nothing to restore from it.';
  }
  for (const { brokerId, position } of peers) {
    const relation = relateToHistory(copy, position);
    if (relation !== 'ahead' && relation !== 'apart') continue;
    // What stands in the store now is what the restore gives up, whoever has read it.
    if (relateToHistory(store, position) === 'same') continue;
    return (
      `Broker ${brokerId} knows the log up to ${position.nextOffset}, and this copy does not: restore from that ` +
      'broker. To give up what it knows, stop it and remove its copy.'
    );
  }
  return undefined;
}
