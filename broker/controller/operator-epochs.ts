/** Operators take turns, and each has an epoch of its own: the number by which a deposed one is told, and refused. */
import type { MetadataImage } from '../metadata/mod.ts';
import { BrokerError } from '../std/mod.ts';
import type { Decision } from './decision.ts';

export function takeOperatorEpoch(image: MetadataImage, holder: string): Decision<{ readonly operatorEpoch: number }> {
  const operatorEpoch = image.operatorEpoch + 1;
  return { records: [{ kind: 'OperatorEpoch', operatorEpoch, holder }], result: { operatorEpoch } };
}

/**
 * Part of every decision that an operator asks for, so that none whose term is over can slip in behind its successor.
 * Throws BrokerError `operator.deposed`; `operatorEpoch` is -1 for everybody who is no operator.
 */
export function refuseDeposedOperator(image: MetadataImage, operatorEpoch: number): void {
  if (operatorEpoch === -1 || operatorEpoch === image.operatorEpoch) return;
  const { operatorHolder, operatorEpoch: current } = image;
  throw new BrokerError(
    'operator.deposed',
    `operator epoch ${operatorEpoch} is not the current one: ${operatorHolder} acts under epoch ${current}`,
  );
}
