/**
 * Cuts a byte stream into frames: a four-byte size, then that many bytes.
 *
 * A frame that lies whole in the chunk is handed over in place, without a copy. One that is cut goes into a buffer that
 * grows with what has arrived, never with what was announced, so that a size of 100 MiB followed by silence costs
 * nothing.
 */
import type { BufferPool } from './buffer-pool.ts';

const SIZE_BYTES = 4;
const FIRST_BUFFER_BYTES = 64 * 1024;

export type FrameProblem = { readonly sizeBytes: number };

export class FrameAssembler {
  private readonly pool: BufferPool;
  private readonly onFrame: (buffer: Buffer, start: number, end: number) => void;
  /** A started frame, without its size prefix; undefined between frames. */
  private partial: Buffer | undefined;
  private partialBytes = 0;
  private frameBytes = 0;
  /** The bytes of a size prefix that was itself cut. */
  private readonly prefix = Buffer.alloc(SIZE_BYTES);
  private prefixBytes = 0;
  private isStopped = false;
  frameBytesMax: number;

  /** `onFrame` gets a view that is valid only during the call. */
  constructor(pool: BufferPool, frameBytesMax: number, onFrame: (buffer: Buffer, start: number, end: number) => void) {
    this.pool = pool;
    this.frameBytesMax = frameBytesMax;
    this.onFrame = onFrame;
  }

  /** The memory that a started frame takes. */
  get heldBytes(): number {
    return this.partial?.length ?? 0;
  }

  /** What has arrived of a started frame. */
  get arrivedBytes(): number {
    return this.partial === undefined ? 0 : this.partialBytes;
  }

  /** Returns the announced size of a frame that is not acceptable; the connection must be closed then. */
  push(chunk: Buffer): FrameProblem | undefined {
    let at = 0;
    while (at < chunk.length && !this.isStopped) {
      if (this.partial !== undefined) {
        at = this.fillPartial(this.partial, chunk, at);
        continue;
      }
      if (this.prefixBytes > 0 || chunk.length - at < SIZE_BYTES) {
        const taken = chunk.copy(this.prefix, this.prefixBytes, at, at + SIZE_BYTES - this.prefixBytes);
        this.prefixBytes += taken;
        at += taken;
        if (this.prefixBytes < SIZE_BYTES) break;
        this.prefixBytes = 0;
        this.frameBytes = this.prefix.readInt32BE(0);
      } else {
        this.frameBytes = chunk.readInt32BE(at);
        at += SIZE_BYTES;
      }
      if (this.frameBytes <= 0 || this.frameBytes > this.frameBytesMax) return { sizeBytes: this.frameBytes };
      if (chunk.length - at >= this.frameBytes) {
        const start = at;
        at += this.frameBytes;
        this.onFrame(chunk, start, at);
      } else {
        this.partial = this.pool.take(Math.min(this.frameBytes, FIRST_BUFFER_BYTES));
        this.partialBytes = 0;
      }
    }
    return undefined;
  }

  private fillPartial(partial: Buffer, chunk: Buffer, at: number): number {
    const taken = Math.min(this.frameBytes - this.partialBytes, chunk.length - at);
    let buffer = partial;
    if (this.partialBytes + taken > buffer.length) {
      buffer = this.pool.take(Math.min(this.frameBytes, Math.max(buffer.length * 2, this.partialBytes + taken)));
      partial.copy(buffer, 0, 0, this.partialBytes);
      this.pool.give(partial);
      this.partial = buffer;
    }
    chunk.copy(buffer, this.partialBytes, at, at + taken);
    this.partialBytes += taken;
    if (this.partialBytes === this.frameBytes) {
      this.partial = undefined;
      this.onFrame(buffer, 0, this.frameBytes);
      this.pool.give(buffer);
    }
    return at + taken;
  }

  /** Gives its buffer back and takes no more frames. */
  stop(): void {
    this.isStopped = true;
    if (this.partial !== undefined) this.pool.give(this.partial);
    this.partial = undefined;
  }
}
