/** The last offset of each key in the part of the log that is being cleaned, bounded in keys. */
export class OffsetMap {
  /** Keys below it are all in the map. */
  endOffset: number;
  private readonly offsets = new Map<string, number>();
  private readonly keysMax: number;

  constructor(keysMax: number, startOffset: number) {
    this.keysMax = keysMax;
    this.endOffset = startOffset;
  }

  /** At the bound the rest is left for the next cleaning. */
  get isFull(): boolean {
    return this.offsets.size >= this.keysMax;
  }

  put(key: Buffer, offset: number): void {
    this.offsets.set(key.toString('latin1'), offset);
  }

  get(key: Buffer): number | undefined {
    return this.offsets.get(key.toString('latin1'));
  }
}
