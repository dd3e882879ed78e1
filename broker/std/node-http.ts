/** A small HTTP server for probes and metrics; nothing of Kafka travels over it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface HttpListening {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves GET requests; `answer` gets the path and returns undefined for 404. */
export function serveHttp(
  address: { readonly host: string; readonly port: number },
  answer: (path: string) => Promise<HttpAnswer | undefined> | HttpAnswer | undefined,
): Promise<HttpListening> {
  const server = createServer(async (request, response) => {
    let result: HttpAnswer | undefined;
    try {
      result = request.method === 'GET' ? await answer((request.url ?? '/').split('?')[0] as string) : undefined;
    } catch (error) {
      result = { status: 500, contentType: 'text/plain', body: `${String(error)}\n` };
    }
    const { status, contentType, body } = result ?? { status: 404, contentType: 'text/plain', body: 'not found\n' };
    response.writeHead(status, { 'content-type': contentType, connection: 'close' });
    response.end(body);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}
