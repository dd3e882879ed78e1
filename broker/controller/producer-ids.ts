/** Producer ids are handed out in blocks, so that a broker asks the log once per thousand producers. */
import type { MetadataImage } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type ApiError, apiError, type Decision } from './decision.ts';

export const PRODUCER_ID_BLOCK = 1000;

export interface ProducerIdBlock {
  readonly first: number;
  readonly count: number;
}

export function allocateProducerIds(
  image: MetadataImage,
  brokerId: number,
  brokerEpoch: number,
): Decision<ProducerIdBlock | ApiError> {
  if (image.brokers.get(brokerId)?.epoch !== brokerEpoch) {
    return { records: [], result: apiError(ErrorCode.STALE_BROKER_EPOCH) };
  }
  const first = image.nextProducerId;
  return {
    records: [{ kind: 'ProducerIds', brokerId, brokerEpoch, nextProducerId: first + PRODUCER_ID_BLOCK }],
    result: { first, count: PRODUCER_ID_BLOCK },
  };
}
