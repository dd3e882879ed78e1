/** A connection of a process that may be paused. */
import type { Connection } from '../../../broker/std/mod.ts';

/** Holds back what arrives while its process is paused. */
export class GatedConnection implements Connection {
  private readonly inner: Connection;
  onData: (chunk: Buffer) => void = () => {};
  onClose: (error: Error | undefined) => void = () => {};
  onDrain: () => void = () => {};

  constructor(inner: Connection, gate: (run: () => void) => void) {
    this.inner = inner;
    inner.onData = (chunk) => gate(() => this.onData(chunk));
    inner.onClose = (error) => gate(() => this.onClose(error));
    inner.onDrain = () => gate(() => this.onDrain());
  }

  get remoteAddress(): string {
    return this.inner.remoteAddress;
  }

  get remotePort(): number {
    return this.inner.remotePort;
  }

  get localPort(): number {
    return this.inner.localPort;
  }

  get writableBytes(): number {
    return this.inner.writableBytes;
  }

  write(chunks: readonly Buffer[], sent?: () => void): void {
    this.inner.write(chunks, sent);
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  end(): void {
    this.inner.end();
  }

  destroy(): void {
    this.inner.destroy();
  }
}
