/** The segments of one log, oldest first. There is always one: the last is active, which means it takes the appends. */
import type { Segment } from './segment.ts';

export class SegmentList {
  /** Grows whenever segments come or go other than by a roll; the cleaner compares it before it swaps. */
  generation = 0;
  private list: Segment[] = [];

  get all(): readonly Segment[] {
    return this.list;
  }

  get first(): Segment {
    return this.list[0] as Segment;
  }

  get active(): Segment {
    return this.list[this.list.length - 1] as Segment;
  }

  get sizeBytes(): number {
    let sum = 0;
    for (const segment of this.list) sum += segment.sizeBytes;
    return sum;
  }

  /** Where the segment stands that may hold `offset`; -1 when all begin later. */
  slotOf(offset: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.list[middle] as Segment).baseOffset <= offset) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Segments from the one that may hold `offset`. */
  from(offset: number): Segment[] {
    return this.list.slice(Math.max(0, this.slotOf(offset)));
  }

  /** The next active segment. */
  push(segment: Segment): void {
    this.list.push(segment);
  }

  /** Puts `replacements` for `count` segments from `slot`, and returns those. */
  replace(slot: number, count: number, replacements: readonly Segment[]): Segment[] {
    this.generation += 1;
    return this.list.splice(slot, count, ...replacements);
  }
}
