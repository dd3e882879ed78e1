/**
 * The last offset of each key in the part of the log that is being cleaned, in a bounded piece of memory.
 *
 * Open addressing in typed arrays, 24 bytes a slot: the MD5 of the key stands for the key, as in Kafka, and its offset
 * beside it. Two keys of one hash would lose a record; at a billion keys that has a chance of one in 10^20.
 */
import { hash } from 'node:crypto';

export const BYTES_PER_SLOT = 24;
/** Beyond it a search looks at too many slots. */
const LOAD_FACTOR = 0.9;
const WORDS_PER_HASH = 4;
const EMPTY = -1;

export class OffsetMap {
  /** Keys below it are all in the map. */
  endOffset: number;
  private readonly slots: number;
  private readonly keysMax: number;
  private readonly hashes: Uint32Array;
  private readonly offsets: Float64Array;
  private count = 0;

  /** `keysWanted` is the most that will be put in: the memory for more is not taken. */
  constructor(options: { readonly bytesMax: number; readonly keysWanted: number; readonly startOffset: number }) {
    const wanted = Math.ceil(options.keysWanted / LOAD_FACTOR) + 1;
    this.slots = Math.max(2, Math.min(wanted, Math.floor(options.bytesMax / BYTES_PER_SLOT)));
    this.keysMax = Math.floor(this.slots * LOAD_FACTOR);
    this.hashes = new Uint32Array(this.slots * WORDS_PER_HASH);
    this.offsets = new Float64Array(this.slots).fill(EMPTY);
    this.endOffset = options.startOffset;
  }

  get size(): number {
    return this.count;
  }

  /** Share of the keys that fit, 0 to 1. */
  get utilization(): number {
    return this.count / this.keysMax;
  }

  /** False when there is no room for another key: what follows is left for the next pass. */
  put(key: Buffer, offset: number): boolean {
    const words = wordsOf(key);
    const slot = this.find(words);
    if (this.offsets[slot] === EMPTY) {
      if (this.count >= this.keysMax) return false;
      this.count += 1;
      this.hashes.set(words, slot * WORDS_PER_HASH);
    }
    this.offsets[slot] = offset;
    return true;
  }

  get(key: Buffer): number | undefined {
    const offset = this.offsets[this.find(wordsOf(key))] as number;
    return offset === EMPTY ? undefined : offset;
  }

  /** The slot of the key, or the empty one where it belongs; there always is one, for the map is never filled. */
  private find(words: Uint32Array): number {
    const { hashes, offsets, slots } = this;
    let slot = (words[0] as number) % slots;
    while (offsets[slot] !== EMPTY) {
      const at = slot * WORDS_PER_HASH;
      let word = 0;
      while (word < WORDS_PER_HASH && hashes[at + word] === words[word]) word += 1;
      if (word === WORDS_PER_HASH) return slot;
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
    return slot;
  }
}

function wordsOf(key: Buffer): Uint32Array {
  const digest = hash('md5', key, 'buffer');
  return Uint32Array.from({ length: WORDS_PER_HASH }, (_, word) => digest.readUInt32LE(word * 4));
}
