/**
 * Mends a store that was put back to an earlier time, with what one broker still knows of the metadata.
 *
 * The log goes on where nobody has read yet: offsets that brokers know with other contents are given up and trimmed,
 * and a snapshot of what is known takes their place, under a controller epoch that is later than any before. Its own
 * term says up to where the copy was known and what it took the place of, so that whoever knew anything else can tell
 * that it was given up, and deletes nothing for it.
 */
import type { CoordinationStore } from '../coordination/mod.ts';
import { BrokerError } from '../std/mod.ts';
import type { MetadataImage, TermImage } from './image.ts';
import { decodeBatch, encodeBatch } from './records.ts';
import { encodeSnapshot } from './snapshot.ts';

/** A broker that is down may know of more claims than the copy and the store: its epoch must be passed as well. */
const EPOCHS_LEFT_OUT = 1000;

/** Returns the offset at which the log goes on; `termId` is drawn at random for each restore. */
export async function restoreMetadata(store: CoordinationStore, image: MetadataImage, termId: string): Promise<number> {
  if (image.unfinished !== undefined) {
    throw new BrokerError('store.conflict', 'this copy ends within a change; use that of another broker');
  }
  const end = await store.end();
  const snapshot = await store.readSnapshot();
  // A restore that was cut off has left a snapshot that some may have read: this one goes beyond it as well.
  const offset = Math.max(end, image.nextOffset, snapshot?.offset ?? 0) + 1;
  const latestEpoch = Math.max(snapshot?.controllerEpoch ?? 0, await lastEpoch(store, end));
  const controllerEpoch = Math.max(image.controllerEpoch, latestEpoch) + EPOCHS_LEFT_OUT;
  const term: TermImage = { controllerEpoch, startOffset: image.nextOffset, termId, restoredTo: offset };
  const restored = { ...image, controllerEpoch, nextOffset: offset, terms: [...image.terms, term] };
  const filler = encodeBatch({ controllerEpoch, records: [{ kind: 'GivenUp' }] });
  // The snapshot first: a store that is a ring takes the filler only where a snapshot covers what it overwrites. And
  // whoever reads a filler goes by the snapshot, also where the store keeps what stands before it.
  await store.writeSnapshot({ controllerEpoch, offset, chunks: encodeSnapshot(restored) });
  for (let at = end; at < offset; at++) await store.append(at, filler);
  await store.trim(offset);
  return offset;
}

/** Of whoever wrote to the store last: it may have claimed the log since the snapshot was written. */
async function lastEpoch(store: CoordinationStore, end: number): Promise<number> {
  if (end === 0) return 0;
  try {
    const [last] = await store.read(end - 1, 1);
    return last === undefined ? 0 : decodeBatch(last.payload).controllerEpoch;
  } catch (error) {
    // Trimmed, and so the snapshot is of its term.
    if (error instanceof BrokerError && error.code === 'store.conflict') return 0;
    throw error;
  }
}
