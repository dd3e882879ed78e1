/** HTTP and HTTPS of a real process, over connections that are kept. */
import * as http from 'node:http';
import * as https from 'node:https';
import { BrokerError } from './broker-error.ts';
import type { HttpClient, HttpRequest, HttpResponse, HttpStream } from './http-client.ts';

/** Requests beyond it wait for a connection. Streams hold one each. */
const CONNECTIONS_MAX = 32;
/** A larger answer is not for us. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
const KEEP_ALIVE_MS = 30_000;

export interface HttpEndpoint {
  readonly url: string;
  /** PEM. Default: the authorities that Node trusts. */
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly skipsVerification?: boolean | undefined;
}

export function nodeHttpClient(endpoint: HttpEndpoint): HttpClient {
  const url = new URL(endpoint.url);
  const isSecure = url.protocol === 'https:';
  const agentOptions = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: CONNECTIONS_MAX };
  const agent = isSecure
    ? new https.Agent({
        ...agentOptions,
        ...(endpoint.ca === undefined ? {} : { ca: endpoint.ca }),
        ...(endpoint.certificate === undefined ? {} : { cert: endpoint.certificate }),
        ...(endpoint.key === undefined ? {} : { key: endpoint.key }),
        rejectUnauthorized: endpoint.skipsVerification !== true,
      })
    : new http.Agent(agentOptions);

  const open = (request: HttpRequest): Promise<{ response: http.IncomingMessage; timer: NodeJS.Timeout }> =>
    new Promise((resolve, reject) => {
      const { method, path, headers, body, timeoutMs } = request;
      const options = {
        agent,
        method,
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port === '' ? (isSecure ? 443 : 80) : Number(url.port),
        path: `${url.pathname.replace(/\/$/, '')}${path}`,
        headers: body === undefined ? headers : { ...headers, 'content-length': body.length },
      };
      const outgoing = (isSecure ? https : http).request(options);
      let hasTimedOut = false;
      const timer = setTimeout(() => {
        hasTimedOut = true;
        outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      timer.unref();
      outgoing.on('error', (error) => {
        clearTimeout(timer);
        reject(failure(error, hasTimedOut, request));
      });
      outgoing.once('response', (response) => resolve({ response, timer }));
      outgoing.end(body);
    });

  return {
    async request(request): Promise<HttpResponse> {
      const { response, timer } = await open(request);
      try {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        for await (const chunk of response as AsyncIterable<Buffer>) {
          sizeBytes += chunk.length;
          if (sizeBytes > BODY_BYTES_MAX) throw new Error(`the answer is larger than ${BODY_BYTES_MAX} bytes`);
          chunks.push(chunk);
        }
        return { status: response.statusCode ?? 0, headers: singleHeaders(response), body: Buffer.concat(chunks) };
      } catch (error) {
        throw failure(error as Error, false, request);
      } finally {
        clearTimeout(timer);
      }
    },

    async stream(request): Promise<HttpStream> {
      const { response, timer } = await open(request);
      clearTimeout(timer);
      const stream: HttpStream = {
        status: response.statusCode ?? 0,
        headers: singleHeaders(response),
        onData: () => {},
        onClose: () => {},
        close: () => void response.destroy(),
      };
      response.on('data', (chunk: Buffer) => stream.onData(chunk));
      // Whatever ended it, the owner opens another.
      response.on('error', () => {});
      response.once('close', () => stream.onClose());
      return stream;
    },

    close: () => agent.destroy(),
  };
}

function failure(error: Error, hasTimedOut: boolean, request: HttpRequest): BrokerError {
  const neverLeft = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
  const isRefused = neverLeft.includes((error as NodeJS.ErrnoException).code ?? '');
  const code = isRefused ? 'net.refused' : hasTimedOut ? 'net.timeout' : 'net.closed';
  return new BrokerError(code, `${request.method} ${request.path.split('?')[0]}: ${error.message}`, {
    retriable: true,
    cause: error,
  });
}

function singleHeaders(response: http.IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );
}
