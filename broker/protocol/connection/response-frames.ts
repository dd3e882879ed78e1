/**
 * Cuts the bytes of a connection into response frames.
 *
 * A frame tells its size first, so its buffer is taken once and every byte is copied once, however many chunks it comes
 * in: the chunks are views that are gone after the call.
 */
import { BrokerError } from '../../std/mod.ts';

const SIZE_BYTES = 4;
/** Buffers grow to a multiple of this, so that frames of nearly the same size do not each make a new one. */
const BUFFER_STEP_BYTES = 64 * 1024;

export class ResponseFrames {
  private readonly frameBytesMax: number;
  private readonly reused: Buffer[];
  private nextReused = 0;
  private readonly size = Buffer.alloc(SIZE_BYTES);
  private sizeFilled = 0;
  private frame: Buffer | undefined;
  private frameFilled = 0;

  /** With `reusedBuffers` of zero a frame owns its bytes; else they are overwritten when as many more have come. */
  constructor(options: { readonly frameBytesMax: number; readonly reusedBuffers: number }) {
    this.frameBytesMax = options.frameBytesMax;
    this.reused = Array.from({ length: options.reusedBuffers }, () => Buffer.alloc(0));
  }

  /** Calls `take` with every frame that the chunk completes. Throws BrokerError `net.frameTooLarge`. */
  receive(chunk: Buffer, take: (frame: Buffer) => void): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.frame === undefined) {
        const copied = chunk.copy(this.size, this.sizeFilled, at);
        at += copied;
        this.sizeFilled += copied;
        if (this.sizeFilled < SIZE_BYTES) return;
        this.frame = this.bufferFor(this.size.readInt32BE(0));
        this.frameFilled = 0;
      }
      const { frame } = this;
      const copied = chunk.copy(frame, this.frameFilled, at);
      at += copied;
      this.frameFilled += copied;
      if (this.frameFilled < frame.length) return;
      this.frame = undefined;
      this.sizeFilled = 0;
      take(frame);
    }
  }

  private bufferFor(bytes: number): Buffer {
    if (bytes < SIZE_BYTES || bytes > this.frameBytesMax) {
      throw new BrokerError('net.frameTooLarge', 'a response has an impossible size', { context: { bytes } });
    }
    if (this.reused.length === 0) return Buffer.allocUnsafe(bytes);
    const slot = this.nextReused;
    this.nextReused = (slot + 1) % this.reused.length;
    let buffer = this.reused[slot] as Buffer;
    if (buffer.length < bytes) {
      buffer = Buffer.allocUnsafeSlow(Math.ceil(bytes / BUFFER_STEP_BYTES) * BUFFER_STEP_BYTES);
      this.reused[slot] = buffer;
    }
    return buffer.subarray(0, bytes);
  }
}
