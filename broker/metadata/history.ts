/**
 * Whether two readers of the metadata log have read the same log.
 *
 * An offset alone does not say: a store that was put back to an earlier time takes other batches at the same offsets.
 * But each term of a controller begins with a claim under an id of its own, and the claim stands where everything
 * before it was read; within a term one process appends one batch after the other. So who knows the same term at an
 * offset knows the same batches up to there, however many of them the store has dropped since.
 */
import { ZERO_UUID } from '../std/mod.ts';
import type { MetadataImage, TermImage } from './image.ts';

/** Terms that an image remembers. Of what was read in an older one nobody can tell any more. */
export const TERMS_MAX = 256;

/** How far somebody has read, and whose term the last batch was of. */
export interface MetadataPosition {
  readonly nextOffset: number;
  readonly controllerEpoch: number;
  /** `ZERO_UUID` where it is not known. */
  readonly termId: string;
}

/**
 * - `same`: all that was read up to the position is in the history
 * - `ahead`: the position is beyond the end of the history
 * - `apart`: what was read there is not what the history has
 * - `givenUp`: it is not, and a restore has said since that it does not count
 * - `unknown`: the history does not reach back that far
 */
export type HistoryRelation = 'same' | 'ahead' | 'apart' | 'givenUp' | 'unknown';

export function positionOf({ nextOffset, controllerEpoch, terms }: MetadataImage): MetadataPosition {
  return { nextOffset, controllerEpoch, termId: terms.at(-1)?.termId ?? ZERO_UUID };
}

/** How the position relates to the history of the image. */
export function relateToHistory(
  { nextOffset, terms }: Pick<MetadataImage, 'nextOffset' | 'terms'>,
  position: MetadataPosition,
): HistoryRelation {
  if (position.nextOffset === 0) return 'same';
  if (position.nextOffset > nextOffset) return 'ahead';
  if (position.termId === ZERO_UUID) return 'unknown';
  const term = terms.findLast(({ startOffset }) => startOffset < position.nextOffset);
  if (term === undefined) return 'unknown';
  if (term.termId === position.termId) return 'same';
  return isPassedOver(terms, position) ? 'givenUp' : 'apart';
}

/** Whether a restore said since how the log goes on: it speaks of all before it, under epochs before its own. */
export function isPassedOver(terms: readonly TermImage[], position: MetadataPosition): boolean {
  return terms.some(
    ({ restoredTo, controllerEpoch }) => position.nextOffset < restoredTo && position.controllerEpoch < controllerEpoch,
  );
}
