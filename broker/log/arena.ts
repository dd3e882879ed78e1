/**
 * The memory that batches live in: append buffer, write source and tail cache in one.
 *
 * A batch is copied in once. Chunks are carved, aligned, from a few big slabs that are never freed: an allocation of
 * the usual kind lies 16 bytes past a page, where kernel copies cost up to three times as much. A partition starts with
 * a small chunk and gets bigger ones as it is used, so that thousands of quiet partitions fit into the budget. A chunk
 * is counted by reference: the partition's cache holds one, every response that still has to leave holds another.
 */
import { assert } from '../std/mod.ts';

const PAGE_BYTES = 4096;
const BLOCK_BYTES = 1024 * 1024;
const SLAB_BYTES = 32 * BLOCK_BYTES;
export const CHUNK_BYTES_MIN = 16 * 1024;
export const CHUNK_BYTES_MAX = BLOCK_BYTES;
/** A large allocation starts at page offset 16; 48 more is the first place with the alignment that copies like. */
const ALIGNMENT_BYTES = 48;
/** Inside a chunk an offset is found by walking headers from the last mark before it. */
const MARK_EVERY_BYTES = 4096;

interface Block {
  readonly buffer: Buffer;
  readonly pieceBytes: number;
  readonly free: Buffer[];
  used: number;
}

/** Whoever caches chunks and can give some back. */
export interface ChunkOwner {
  /** Releases the oldest chunk that is written; false when there is none. */
  evictOldest(): boolean;
}

export class Chunk {
  readonly buffer: Buffer;
  /** Offset of the first batch in it. */
  readonly baseOffset: number;
  /** Bytes filled; the rest is free. */
  filledBytes = 0;
  /** Offset after the last batch in it. */
  endOffset: number;
  private references = 1;
  private readonly markOffsets: number[] = [];
  private readonly markPositions: number[] = [];
  private readonly free: (chunk: Chunk) => void;

  constructor(buffer: Buffer, baseOffset: number, free: (chunk: Chunk) => void) {
    this.buffer = buffer;
    this.baseOffset = baseOffset;
    this.endOffset = baseOffset;
    this.free = free;
  }

  get freeBytes(): number {
    return this.buffer.length - this.filledBytes;
  }

  retain(): void {
    assert(this.references > 0, 'a chunk is used after it was given back');
    this.references += 1;
  }

  release(): void {
    assert(this.references > 0, 'a chunk is given back twice');
    this.references -= 1;
    if (this.references === 0) this.free(this);
  }

  /** Takes `batch` in; the header is the caller's to patch. Returns where it stands. */
  append(batch: Buffer, baseOffset: number, endOffset: number): number {
    const at = this.filledBytes;
    batch.copy(this.buffer, at);
    this.filledBytes = at + batch.length;
    this.endOffset = endOffset;
    const lastMark = this.markPositions.at(-1);
    if (lastMark === undefined || at - lastMark >= MARK_EVERY_BYTES) {
      this.markOffsets.push(baseOffset);
      this.markPositions.push(at);
    }
    return at;
  }

  /** Where to start walking to find the batch that holds `offset`. */
  markBefore(offset: number): number {
    let low = 0;
    let high = this.markOffsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.markOffsets[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : (this.markPositions[low - 1] as number);
  }

  /** Where to start walking backwards-free to find the last batch that ends at or before `position`. */
  markAtOrBelowPosition(position: number): number {
    let low = 0;
    let high = this.markPositions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.markPositions[middle] as number) <= position) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : (this.markPositions[low - 1] as number);
  }

  /** Forgets the batches from `position` on. */
  truncate(position: number, endOffset: number): void {
    this.filledBytes = position;
    this.endOffset = endOffset;
    while ((this.markPositions.at(-1) ?? -1) >= position) {
      this.markPositions.pop();
      this.markOffsets.pop();
    }
  }
}

export class Arena {
  readonly budgetBytes: number;
  private inUseBytes = 0;
  private readonly freeBlocks: Buffer[] = [];
  private readonly partial = new Map<number, Block[]>();
  private slab: Buffer | undefined;
  private slabUsed = 0;
  /** Insertion order is age: an owner is moved to the end whenever it is read or written. */
  private readonly owners = new Set<ChunkOwner>();

  constructor(budgetBytes: number) {
    this.budgetBytes = budgetBytes;
  }

  get usedBytes(): number {
    return this.inUseBytes;
  }

  /** A chunk with room for at least `sizeBytes`. The budget bends only for data that is not written yet. */
  allocate(sizeBytes: number, baseOffset: number): Chunk {
    if (sizeBytes > BLOCK_BYTES) {
      this.makeRoom(sizeBytes);
      this.inUseBytes += sizeBytes;
      const raw = Buffer.allocUnsafeSlow(sizeBytes + ALIGNMENT_BYTES).subarray(ALIGNMENT_BYTES);
      return new Chunk(raw, baseOffset, () => {
        this.inUseBytes -= sizeBytes;
      });
    }
    let pieceBytes = CHUNK_BYTES_MIN;
    while (pieceBytes < sizeBytes) pieceBytes *= 2;
    this.makeRoom(pieceBytes);
    this.inUseBytes += pieceBytes;
    if (pieceBytes === BLOCK_BYTES) {
      const buffer = this.takeBlock();
      return new Chunk(buffer, baseOffset, () => {
        this.inUseBytes -= BLOCK_BYTES;
        this.freeBlocks.push(buffer);
      });
    }
    const block = this.blockOfPieces(pieceBytes);
    const piece = block.free.pop() as Buffer;
    block.used += 1;
    return new Chunk(piece, baseOffset, () => {
      this.inUseBytes -= pieceBytes;
      this.returnPiece(block, piece);
    });
  }

  /** Marks an owner as the most recently used. */
  touch(owner: ChunkOwner): void {
    this.owners.delete(owner);
    this.owners.add(owner);
  }

  forget(owner: ChunkOwner): void {
    this.owners.delete(owner);
  }

  private makeRoom(sizeBytes: number): void {
    if (this.inUseBytes + sizeBytes <= this.budgetBytes) return;
    for (const owner of this.owners) {
      while (this.inUseBytes + sizeBytes > this.budgetBytes) if (!owner.evictOldest()) break;
      if (this.inUseBytes + sizeBytes <= this.budgetBytes) return;
      // Nothing left to give: it need not be asked again until it is used.
      this.owners.delete(owner);
    }
  }

  private blockOfPieces(pieceBytes: number): Block {
    let blocks = this.partial.get(pieceBytes);
    if (blocks === undefined) {
      blocks = [];
      this.partial.set(pieceBytes, blocks);
    }
    let block = blocks.at(-1);
    while (block !== undefined && block.free.length === 0) {
      blocks.pop();
      block = blocks.at(-1);
    }
    if (block === undefined) {
      const buffer = this.takeBlock();
      block = { buffer, pieceBytes, free: [], used: 0 };
      for (let at = BLOCK_BYTES - pieceBytes; at >= 0; at -= pieceBytes) {
        block.free.push(buffer.subarray(at, at + pieceBytes));
      }
      blocks.push(block);
    }
    return block;
  }

  private returnPiece(block: Block, piece: Buffer): void {
    block.used -= 1;
    block.free.push(piece);
    const blocks = this.partial.get(block.pieceBytes) as Block[];
    const slot = blocks.indexOf(block);
    if (block.used === 0) {
      if (slot >= 0) blocks.splice(slot, 1);
      this.freeBlocks.push(block.buffer);
    } else if (slot < 0) blocks.unshift(block);
  }

  private takeBlock(): Buffer {
    const free = this.freeBlocks.pop();
    if (free !== undefined) return free;
    if (this.slab === undefined || this.slabUsed + BLOCK_BYTES > SLAB_BYTES) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES + PAGE_BYTES).subarray(ALIGNMENT_BYTES);
      this.slabUsed = 0;
    }
    const block = this.slab.subarray(this.slabUsed, this.slabUsed + BLOCK_BYTES);
    this.slabUsed += BLOCK_BYTES;
    return block;
  }
}
