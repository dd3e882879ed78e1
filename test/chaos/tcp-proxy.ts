/**
 * A TCP proxy in front of one listener, for networks that are cut or slow while both ends live.
 *
 * Who dials is told by the client id of the first request, so that one listener can be cut off from some of its peers
 * only. A cut loses nothing and closes nothing: bytes wait, as in a network that drops every packet until it heals.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { nodeClock } from '../../broker/std/node-clock.ts';

/** Where the client id's length lies in a Kafka request: behind size, API key, version and correlation id. */
const CLIENT_ID_AT = 12;
const CLIENT_ID_BYTES_MAX = 200;

/** How the network is between one dialler, by its client id, and the listener. */
export interface LinkQuality {
  readonly isCut: boolean;
  readonly delayMs: number;
}

export const GOOD_LINK: LinkQuality = { isCut: false, delayMs: 0 };

interface Link {
  readonly from: Socket;
  readonly to: Socket;
  clientId: string | undefined;
}

export class TcpProxy {
  private readonly server: Server;
  private readonly links = new Set<Link>();
  private readonly clock = nodeClock();
  private quality: (clientId: string) => LinkQuality = () => GOOD_LINK;

  private constructor(server: Server) {
    this.server = server;
  }

  static async listen(options: { readonly port: number; readonly targetPort: number }): Promise<TcpProxy> {
    const server = createServer({ noDelay: true });
    const proxy = new TcpProxy(server);
    server.on('connection', (socket) => proxy.join(socket, options.targetPort));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** From now on, for open connections and new ones. */
  setQuality(quality: (clientId: string) => LinkQuality): void {
    this.quality = quality;
    for (const link of this.links) this.apply(link);
  }

  private join(from: Socket, targetPort: number): void {
    const to = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    const link: Link = { from, to, clientId: undefined };
    this.links.add(link);
    const end = (): void => {
      this.links.delete(link);
      from.destroy();
      to.destroy();
    };
    for (const socket of [from, to]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    from.on('data', (chunk: Buffer) => {
      if (link.clientId === undefined) {
        link.clientId = clientIdIn(chunk);
        if (this.quality(link.clientId).isCut) {
          this.apply(link);
          from.unshift(chunk);
          return;
        }
      }
      this.send(link, to, chunk);
    });
    to.on('data', (chunk: Buffer) => this.send(link, from, chunk));
  }

  /** Timers of one delay fire in the order in which they were set, so bytes keep theirs. */
  private send(link: Link, target: Socket, chunk: Buffer): void {
    const { delayMs } = this.quality(link.clientId ?? '');
    const write = (): void => {
      if (!target.destroyed) target.write(chunk);
    };
    if (delayMs === 0) write();
    else this.clock.after(delayMs, write);
  }

  private apply(link: Link): void {
    if (link.clientId === undefined) return;
    const { isCut } = this.quality(link.clientId);
    for (const socket of [link.from, link.to]) {
      if (isCut) socket.pause();
      else socket.resume();
    }
  }

  close(): void {
    this.server.close();
    for (const { from, to } of this.links) {
      from.destroy();
      to.destroy();
    }
  }
}

function clientIdIn(chunk: Buffer): string {
  if (chunk.length < CLIENT_ID_AT + 2) return '';
  const bytes = chunk.readInt16BE(CLIENT_ID_AT);
  if (bytes < 0 || bytes > CLIENT_ID_BYTES_MAX) return '';
  return chunk.toString('utf8', CLIENT_ID_AT + 2, CLIENT_ID_AT + 2 + bytes);
}
