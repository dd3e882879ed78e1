/**
 * The runtime seam: everything the broker asks of the world comes through here, so that the simulator can run
 * production code on a clock, a disk and a network of its own. Node's versions are in `node-runtime.ts`.
 */
export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly network: Network;
  readonly executor: Executor;
  readonly log: Logger;
}

export interface Timer {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the Unix epoch. May jump; never used for a deadline. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start, fractional. Never goes back. */
  monotonicMs(): number;
  /** Runs `callback` once, not before `delayMs` has passed. Timers do not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /** Share of the time since the last call, 0 to 1, in which the event loop had nothing to do. */
  idleShare(): number;
  /** Runs `callback` at the end of this turn of the loop, after the input that is already here. */
  endOfTurn(callback: () => void): void;
}

export interface Random {
  /** An integer in [0, 2^32). */
  uint32(): number;
  /** `length` unpredictable bytes. */
  bytes(length: number): Buffer;
}

/**
 * Paths are absolute. Calls throw the underlying error with Node's `code` (`ENOENT`, `ENOSPC`, ...).
 * Names become durable only by `syncFolder`, contents only by `datasync` or `sync`.
 */
export interface Disk {
  /** `create`: read and write, made when missing. `write`: read and write, must exist. */
  open(path: string, mode: 'read' | 'write' | 'create'): DiskFile;
  exists(path: string): boolean;
  /** Names in a folder, sorted; throws ENOENT. */
  list(path: string): string[];
  /** Size in bytes and modification time of a file; undefined when there is none. */
  stat(
    path: string,
  ): { readonly sizeBytes: number; readonly modifiedMs: number; readonly isFolder: boolean } | undefined;
  makeFolder(path: string): void;
  removeFile(path: string): void;
  /** Removes a folder and all it holds; silent when absent. */
  removeTree(path: string): void;
  rename(from: string, to: string): void;
  /** link(2): makes `to` another name of `from`; throws EEXIST when `to` exists. */
  link(from: string, to: string): void;
  /** fsync(2) of a folder on the loop: for start-up and shutdown only. */
  syncFolder(path: string): void;
  /** fsync(2) of a folder on the thread pool. */
  syncFolderAsync(path: string): Promise<void>;
  /**
   * Calls `changed` with a name that came, went or was written in the folder, also by other processes, until the
   * returned function is called. A hint: where the system has no such notice it never comes.
   */
  watchFolder(path: string, changed: (name: string) => void): () => void;
  readFile(path: string): Buffer;
  /** Bytes the file system can still take, and its size. */
  space(path: string): { readonly freeBytes: number; readonly totalBytes: number };
}

export interface DiskFile {
  readonly path: string;
  sizeBytes(): number;
  /** Returns the bytes written, which may be fewer than asked. */
  writeSync(buffer: Buffer, offset: number, length: number, position: number): number;
  write(buffer: Buffer, offset: number, length: number, position: number): Promise<number>;
  /** Returns the bytes read; fewer than asked only at the end of the file. */
  readSync(buffer: Buffer, offset: number, length: number, position: number): number;
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<number>;
  truncate(sizeBytes: number): void;
  /** fdatasync(2) on the thread pool. */
  datasync(): Promise<void>;
  /** fdatasync(2) on the loop: for start-up and shutdown only. */
  datasyncSync(): void;
  close(): void;
}

export interface Network {
  /** Listens; port 0 picks a free one. `accept` gets every connection and must set its handlers before returning. */
  listen(
    address: { readonly host: string; readonly port: number },
    accept: (connection: Connection) => void,
  ): Promise<Listening>;
  /** Rejects with BrokerError `net.refused` or `net.timeout`. */
  connect(address: { readonly host: string; readonly port: number }, timeoutMs: number): Promise<Connection>;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  /** Stops accepting; open connections live on. */
  close(): Promise<void>;
}

/** One TCP connection. Handlers are set once, by whoever owns the connection. */
export interface Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  /** The chunk is valid only during the call: it is a view of a buffer that every connection shares. */
  onData: (chunk: Buffer) => void;
  /** The connection is gone, by either side; called once, nothing after it. */
  onClose: (error: Error | undefined) => void;
  /** Called when the bytes written earlier have left and `writableBytes` is zero again. */
  onDrain: () => void;
  /** Bytes accepted by `write` that the kernel has not taken yet. */
  readonly writableBytes: number;
  /** Sends the chunks in order. `sent` runs when the kernel took them all, or the connection closed. */
  write(chunks: readonly Buffer[], sent?: () => void): void;
  /** Stops and restarts `onData`; TCP pushes back meanwhile. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then closes. */
  end(): void;
  destroy(): void;
}

/** CPU-heavy work off the loop: a worker thread in production, inline in the simulator. */
export interface Executor {
  /** `module` is a file URL whose export `job` is called with `input`; both must survive structured clone. */
  run<Input, Output>(module: string, job: string, input: Input): Promise<Output>;
  close(): Promise<void>;
}

/** pino's shape: a constant message, variable parts as fields. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child() {
    return silentLogger;
  },
};
