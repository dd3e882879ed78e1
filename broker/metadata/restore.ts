/**
 * Mends a store that was put back to an earlier time, with what one broker still knows of the metadata.
 *
 * The log goes on where nobody has read yet: offsets that brokers know with other contents are passed over and trimmed,
 * and a snapshot of what is known takes their place, under a controller epoch that is later than any before.
 */
import type { CoordinationStore } from '../coordination/mod.ts';
import { BrokerError } from '../std/mod.ts';
import type { MetadataImage } from './image.ts';
import { encodeBatch } from './records.ts';
import { encodeSnapshot } from './snapshot.ts';

/** Returns the offset at which the log goes on. Rejects with BrokerError when the store is not behind the image. */
export async function restoreMetadata(store: CoordinationStore, image: MetadataImage): Promise<number> {
  const end = await store.end();
  const snapshot = await store.readSnapshot();
  const controllerEpoch = Math.max(image.controllerEpoch, snapshot?.controllerEpoch ?? 0) + 1;
  const offset = Math.max(end, image.nextOffset) + 1;
  if (image.unfinished !== undefined) {
    throw new BrokerError('store.conflict', 'this copy ends within a change; use that of another broker');
  }
  const filler = encodeBatch({ controllerEpoch, records: [{ kind: 'NoOp' }] });
  // The snapshot first: a store that is a ring takes the filler only where a snapshot covers what it overwrites.
  await store.writeSnapshot({ controllerEpoch, offset, chunks: encodeSnapshot({ ...image, controllerEpoch }) });
  for (let at = end; at < offset; at++) await store.append(at, filler);
  await store.trim(offset);
  return offset;
}
