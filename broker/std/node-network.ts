/**
 * TCP of a real process.
 *
 * All connections read into one shared buffer through Node's `onread`: it is filled and handed over before the next
 * read, so one suffices, and ingest is nearly twice as fast as with a fresh buffer per read. net.createServer does not
 * offer `onread`, so an accepted handle is wrapped here by hand; where Node's internals should change, `data` events
 * serve instead.
 */
import * as net from 'node:net';
import { BrokerError } from './broker-error.ts';
import type { Connection, Listening, Network } from './runtime.ts';

const SCRATCH_BYTES = 256 * 1024;
const LISTEN_BACKLOG = 511;
/** Buffers of this size are mapped on their own, at page offset 16; see `alignedBuffer`. */
const MAPPED_BYTES_MIN = 32 * 1024 * 1024;
const ALIGNMENT_SKIP = 48;

interface TcpHandle {
  onconnection: (error: number, handle: object | undefined) => void;
}

let scratch: Buffer | undefined;

/**
 * A buffer whose address is a multiple of 64 and not 16 past a page: kernel copies into page + 16, which is where
 * Node's large buffers lie, are up to 2.6 times slower on processors that alias addresses modulo 4096.
 */
function alignedBuffer(bytes: number): Buffer {
  return Buffer.allocUnsafeSlow(MAPPED_BYTES_MIN + ALIGNMENT_SKIP + bytes).subarray(
    ALIGNMENT_SKIP,
    ALIGNMENT_SKIP + bytes,
  );
}

class NodeConnection implements Connection {
  private readonly socket: net.Socket;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  onData: (chunk: Buffer) => void = () => {};
  onClose: (error: Error | undefined) => void = () => {};
  onDrain: () => void = () => {};

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.remoteAddress = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    this.remotePort = socket.remotePort ?? 0;
    this.localPort = socket.localPort ?? 0;
    let failure: Error | undefined;
    socket.setNoDelay(true);
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('drain', () => this.onDrain());
    socket.on('close', () => this.onClose(failure));
  }

  get writableBytes(): number {
    return this.socket.writableLength;
  }

  write(chunks: readonly Buffer[], sent?: () => void): void {
    const { socket } = this;
    if (socket.destroyed) {
      sent?.();
      return;
    }
    const last = chunks.length - 1;
    if (last > 0) socket.cork();
    for (let i = 0; i <= last; i++) {
      if (i === last && sent !== undefined) socket.write(chunks[i] as Buffer, () => sent());
      else socket.write(chunks[i] as Buffer);
    }
    if (last > 0) socket.uncork();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** `onread` may fire before the connection object exists: never with data, for no turn of the loop lies between. */
function onreadInto(target: { connection: NodeConnection | undefined }): net.OnReadOpts {
  scratch ??= alignedBuffer(SCRATCH_BYTES);
  return {
    buffer: scratch,
    callback(length: number, buffer: Uint8Array): boolean {
      target.connection?.onData((buffer as Buffer).subarray(0, length));
      return true;
    },
  };
}

export function nodeNetwork(): Network {
  return {
    listen(address, accept): Promise<Listening> {
      const server = net.createServer({ noDelay: true }, (socket) => {
        const connection = new NodeConnection(socket);
        socket.on('data', (chunk: Buffer) => connection.onData(chunk));
        accept(connection);
      });
      return new Promise((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) =>
          reject(
            new BrokerError('net.refused', `cannot listen on ${address.host}:${address.port}: ${error.message}`, {
              cause: error,
              context: { ...address },
            }),
          ),
        );
        server.listen({ host: address.host, port: address.port, backlog: LISTEN_BACKLOG }, () => {
          const handle = (server as unknown as { _handle?: TcpHandle })._handle;
          if (typeof handle?.onconnection === 'function') {
            handle.onconnection = (error, client) => {
              if (error !== 0 || client === undefined) return;
              const target: { connection: NodeConnection | undefined } = { connection: undefined };
              const options = { handle: client, onread: onreadInto(target) };
              const socket = new net.Socket(options as unknown as net.SocketConstructorOpts);
              target.connection = new NodeConnection(socket);
              accept(target.connection);
            };
          }
          const bound = server.address() as net.AddressInfo;
          resolve({
            host: address.host,
            port: bound.port,
            close: () => new Promise((closed) => server.close(() => closed())),
          });
        });
      });
    },

    connect(address, timeoutMs): Promise<Connection> {
      return new Promise((resolve, reject) => {
        const target: { connection: NodeConnection | undefined } = { connection: undefined };
        const socket = net.connect({ host: address.host, port: address.port, onread: onreadInto(target) });
        const fail = (code: 'net.refused' | 'net.timeout', cause?: Error): void => {
          socket.destroy();
          reject(
            new BrokerError(code, `cannot connect to ${address.host}:${address.port}`, {
              retriable: true,
              cause,
              context: { ...address },
            }),
          );
        };
        const onError = (error: Error): void => fail('net.refused', error);
        socket.once('error', onError);
        socket.setTimeout(timeoutMs, () => fail('net.timeout'));
        socket.once('connect', () => {
          socket.setTimeout(0);
          socket.off('error', onError);
          target.connection = new NodeConnection(socket);
          resolve(target.connection);
        });
      });
    },
  };
}
