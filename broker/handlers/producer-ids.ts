/** Producer ids from blocks that the controller hands out; the next block is asked for when the last is used up. */
import type { ControllerChannel } from '../membership/mod.ts';
import { defineCall } from '../protocol/connection/mod.ts';
import { writeAllocateProducerIdsRequest } from '../protocol/generated/allocate-producer-ids-request.ts';
import { readAllocateProducerIdsResponse } from '../protocol/generated/allocate-producer-ids-response.ts';
import { ErrorCode, errorName } from '../protocol/mod.ts';
import { BrokerError } from '../std/mod.ts';

const allocateCall = defineCall(67, writeAllocateProducerIdsRequest, readAllocateProducerIdsResponse);
const TIMEOUT_MS = 5000;

export class ProducerIds {
  private readonly channel: ControllerChannel;
  private readonly brokerId: number;
  private readonly brokerEpoch: () => number;
  private next = 0;
  private end = 0;
  private refilling: Promise<void> | undefined;

  constructor(options: {
    readonly channel: ControllerChannel;
    readonly brokerId: number;
    readonly brokerEpoch: () => number;
  }) {
    this.channel = options.channel;
    this.brokerId = options.brokerId;
    this.brokerEpoch = options.brokerEpoch;
  }

  /** An id that nobody else gets, ever. Rejects with a BrokerError when no controller hands out a block. */
  async take(): Promise<number> {
    while (this.next === this.end) {
      this.refilling ??= this.refill().finally(() => {
        this.refilling = undefined;
      });
      await this.refilling;
    }
    return this.next++;
  }

  private async refill(): Promise<void> {
    const request = { brokerId: this.brokerId, brokerEpoch: this.brokerEpoch() };
    const block = await this.channel.request(allocateCall, 0, request, TIMEOUT_MS);
    if (block.errorCode !== ErrorCode.NONE) {
      throw new BrokerError('store.unavailable', `no producer ids: ${errorName(block.errorCode)}`, { retriable: true });
    }
    this.next = block.producerIdStart;
    this.end = block.producerIdStart + block.producerIdLen;
  }
}
