/** Operators take turns, and each has an epoch of its own: the number by which a deposed one can be told. */
import type { MetadataImage } from '../metadata/mod.ts';
import type { Decision } from './decision.ts';

export function takeOperatorEpoch(image: MetadataImage, holder: string): Decision<{ readonly operatorEpoch: number }> {
  const operatorEpoch = image.operatorEpoch + 1;
  return { records: [{ kind: 'OperatorEpoch', operatorEpoch, holder }], result: { operatorEpoch } };
}
