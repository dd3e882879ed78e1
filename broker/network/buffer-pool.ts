/**
 * Buffers in powers of two for frames that arrive in pieces, used again rather than left to the garbage collector.
 * What is kept is bounded; beyond the bound a buffer is simply dropped.
 */
const SMALLEST_BYTES = 64 * 1024;
const LARGEST_POOLED_BYTES = 4 * 1024 * 1024;
const POOLED_BYTES_MAX = 64 * 1024 * 1024;

export class BufferPool {
  private readonly free = new Map<number, Buffer[]>();
  private pooledBytes = 0;

  /** A buffer of at least `bytes`. */
  take(bytes: number): Buffer {
    let size = SMALLEST_BYTES;
    while (size < bytes) size *= 2;
    const buffer = this.free.get(size)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size);
    this.pooledBytes -= size;
    return buffer;
  }

  give(buffer: Buffer): void {
    const size = buffer.length;
    if (size > LARGEST_POOLED_BYTES || this.pooledBytes + size > POOLED_BYTES_MAX) return;
    const buffers = this.free.get(size);
    if (buffers === undefined) this.free.set(size, [buffer]);
    else buffers.push(buffer);
    this.pooledBytes += size;
  }
}
