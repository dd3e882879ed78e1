import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { HttpClient, HttpRequest } from './http-client.ts';
import { nodeHttpClient } from './node-http-client.ts';

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const { close } of opened.splice(0)) close();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({
    close() {
      server.closeAllConnections();
      server.close();
    },
  });
  return server;
}

function clientOf(server: Server, base = ''): HttpClient {
  const client = nodeHttpClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}` });
  opened.push(client);
  return client;
}

const get = (path: string, timeoutMs = 2000): HttpRequest => ({ method: 'GET', path, headers: { x: 'y' }, timeoutMs });

test('a request carries method, path, headers and body, below the path of the server', async () => {
  const server = await serve(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(201, { 'x-answer': 'yes' });
    response.end(`${request.method} ${request.url} ${request.headers.x} ${body}`);
  });
  const request = { ...get('/a?b=1'), method: 'POST' as const, body: Buffer.from('payload') };
  const { status, headers, body } = await clientOf(server, '/base/').request(request);
  expect([status, headers['x-answer'], body.toString()]).toEqual([201, 'yes', 'POST /base/a?b=1 y payload']);
});

test('connections are kept', async () => {
  const ports = new Set<number | undefined>();
  const server = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    response.end();
  });
  const client = clientOf(server);
  for (let count = 0; count < 5; count++) await client.request(get('/'));
  expect(ports.size).toBe(1);
});

test('a server that says nothing, or begins and never ends, is given up in time', async () => {
  const server = await serve((request, response) => {
    if (request.url !== '/begin') return;
    response.write('begun');
  });
  const client = clientOf(server);
  await expect(client.request(get('/silent', 50))).rejects.toMatchObject({ code: 'net.timeout', retriable: true });
  await expect(client.request(get('/begin', 50))).rejects.toMatchObject({ code: 'net.closed', retriable: true });
  await expect(client.stream(get('/silent', 50))).rejects.toMatchObject({ code: 'net.timeout' });
});

test('a cut in the middle is told apart from a server that is not there', async () => {
  const server = await serve((request, response) => {
    response.write('some');
    setImmediate(() => request.socket.destroy());
  });
  const client = clientOf(server);
  await expect(client.request(get('/'))).rejects.toMatchObject({ code: 'net.closed' });
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await expect(client.request(get('/'))).rejects.toMatchObject({ code: 'net.refused' });
});

test('a stream gives what comes as it comes, and ends by either side', async () => {
  const gone = Promise.withResolvers<void>();
  const server = await serve((request, response) => {
    response.write('one');
    if (request.url === '/ends') setTimeout(() => response.end('two'), 20);
    else response.on('close', () => gone.resolve());
  });
  const client = clientOf(server);
  const stream = await client.stream(get('/ends', 10_000));
  let text = '';
  stream.onData = (chunk) => {
    text += chunk.toString();
  };
  await new Promise<void>((resolve) => {
    stream.onClose = resolve;
  });
  expect([stream.status, text]).toEqual([200, 'onetwo']);

  const endless = await client.stream(get('/endless'));
  const closed = new Promise<void>((resolve) => {
    endless.onClose = resolve;
  });
  endless.close();
  await Promise.all([closed, gone.promise]);
});
