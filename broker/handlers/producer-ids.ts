/** Producer ids from blocks that the controller hands out; the next block is asked for when the last is used up. */
import { allocateProducerIds, type Controller } from '../controller/mod.ts';

export class ProducerIds {
  private readonly controller: Controller;
  private readonly brokerId: number;
  private next = 0;
  private end = 0;
  private refilling: Promise<void> | undefined;
  brokerEpoch = -1;

  constructor(controller: Controller, brokerId: number) {
    this.controller = controller;
    this.brokerId = brokerId;
  }

  /** An id that nobody else gets, ever. Rejects as the controller does. */
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
    const block = await this.controller.submit((image) => allocateProducerIds(image, this.brokerId, this.brokerEpoch));
    this.next = block.first;
    this.end = block.first + block.count;
  }
}
