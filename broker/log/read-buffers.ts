/**
 * Buffers for reads from disk, recycled: aligned like the arena's chunks, in powers of two, a bounded number kept. What
 * is beyond the bound is left to the garbage collector.
 */
const BUFFER_BYTES_MIN = 16 * 1024;
const KEPT_BYTES_MAX = 32 * 1024 * 1024;
const ALIGNMENT_BYTES = 48;

export class ReadBuffers {
  private readonly free = new Map<number, Buffer[]>();
  private keptBytes = 0;

  /** The size of the buffer that `take` returns. */
  classOf(sizeBytes: number): number {
    let classBytes = BUFFER_BYTES_MIN;
    while (classBytes < sizeBytes) classBytes *= 2;
    return classBytes;
  }

  /** At least `sizeBytes`. */
  take(sizeBytes: number): Buffer {
    const classBytes = this.classOf(sizeBytes);
    const buffer = this.free.get(classBytes)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(classBytes + ALIGNMENT_BYTES).subarray(ALIGNMENT_BYTES);
    this.keptBytes -= classBytes;
    return buffer;
  }

  give(buffer: Buffer): void {
    if (this.keptBytes + buffer.length > KEPT_BYTES_MAX) return;
    this.keptBytes += buffer.length;
    const list = this.free.get(buffer.length);
    if (list === undefined) this.free.set(buffer.length, [buffer]);
    else list.push(buffer);
  }
}
