/**
 * As much of the Kubernetes API as a store uses, in this process and over real sockets: objects with resourceVersions,
 * lists by label, metadata only where asked for, and watches that resume, bookmark, end, or have lost what they resume
 * from. Faults of its own: 429, and a history that was compacted.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface FakeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
}

interface FakeEvent {
  readonly version: number;
  readonly collection: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: FakeObject;
}

interface FakeWatch {
  readonly collection: string;
  readonly selects: (object: FakeObject) => boolean;
  readonly isMetadataOnly: boolean;
  readonly response: ServerResponse;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

export class FakeKubernetes {
  private readonly server: Server;
  private readonly watches = new Set<FakeWatch>();
  private objects = new Map<string, FakeObject>();
  private history: FakeEvent[] = [];
  private version = 100;
  private compactedBelow = 0;
  readonly requests: SeenRequest[] = [];
  /** Answers so many requests with 429 and this Retry-After. */
  throttled = { times: 0, retryAfterSeconds: 1 };
  /** A kind that nobody defined: every request for it is answered 404. */
  undefinedPlural: string | undefined;
  /** How a watch learns that its version is gone: by the status of the answer, or by an event in it. */
  goneAs: 'status' | 'event' = 'event';

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(): Promise<FakeKubernetes> {
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => fake.answer(request, body, response));
    });
    const fake = new FakeKubernetes(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get watchCount(): number {
    return this.watches.size;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  /** Watches of older versions than now cannot be resumed. */
  compact(): void {
    this.compactedBelow = this.version;
    this.history = [];
  }

  bookmark(): void {
    for (const watch of this.watches) {
      const metadata = { resourceVersion: String(this.version) };
      watch.response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`);
    }
  }

  cutWatches(): void {
    for (const { response } of this.watches) response.destroy();
  }

  /** etcd as it is now, for `goBackTo`. */
  copy(): ReadonlyMap<string, FakeObject> {
    return new Map(this.objects);
  }

  /** Objects are what they were, with the versions they had; watches end, as they do when etcd is restored. */
  goBackTo(objects: ReadonlyMap<string, FakeObject>): void {
    this.objects = new Map(objects);
    this.compact();
    this.cutWatches();
  }

  deleteObject(path: string): void {
    this.objects.delete(path);
  }

  paths(): string[] {
    return [...this.objects.keys()];
  }

  private answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://fake');
    const { pathname: path, searchParams: query } = url;
    const method = request.method ?? 'GET';
    this.requests.push({ method, path, query, headers: request.headers });
    if (this.throttled.times > 0) {
      this.throttled.times -= 1;
      response.setHeader('retry-after', String(this.throttled.retryAfterSeconds));
      return fail(response, 429, 'TooManyRequests');
    }
    if (this.undefinedPlural !== undefined && path.includes(`/${this.undefinedPlural}`)) {
      return fail(response, 404, 'NotFound');
    }
    const isMetadataOnly = (request.headers.accept ?? '').includes('as=PartialObjectMetadata');
    const isCollection = isCollectionPath(path);
    if (query.get('watch') === '1') return this.watch(path, query, isMetadataOnly, response);
    if (method === 'GET' && isCollection) return this.list(path, query, isMetadataOnly, response);
    if (method === 'GET') {
      const object = this.objects.get(path);
      return object === undefined
        ? fail(response, 404, 'NotFound')
        : send(response, 200, partOf(object, isMetadataOnly));
    }
    if (method === 'POST') return this.create(path, JSON.parse(body) as FakeObject, response);
    if (method === 'PUT') return this.update(path, JSON.parse(body) as FakeObject, response);
    const object = this.objects.get(path);
    if (object === undefined) return fail(response, 404, 'NotFound');
    this.objects.delete(path);
    this.record('DELETED', collectionOf(path), object);
    send(response, 200, { kind: 'Status', status: 'Success' });
  }

  private create(collection: string, object: FakeObject, response: ServerResponse): void {
    const path = `${collection}/${object.metadata.name}`;
    if (this.objects.has(path)) return fail(response, 409, 'AlreadyExists');
    if (object.metadata.resourceVersion !== undefined) return fail(response, 400, 'BadRequest');
    send(response, 201, this.store('ADDED', path, object));
  }

  private update(path: string, object: FakeObject, response: ServerResponse): void {
    const current = this.objects.get(path);
    if (current === undefined) return fail(response, 404, 'NotFound');
    if (object.metadata.resourceVersion !== current.metadata.resourceVersion) return fail(response, 409, 'Conflict');
    send(response, 200, this.store('MODIFIED', path, object));
  }

  private store(type: 'ADDED' | 'MODIFIED', path: string, object: FakeObject): FakeObject {
    this.version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } };
    this.objects.set(path, stored);
    this.record(type, collectionOf(path), stored);
    return stored;
  }

  private record(type: FakeEvent['type'], collection: string, object: FakeObject): void {
    const event = { version: this.version, collection, type, object };
    this.history.push(event);
    for (const watch of this.watches) this.tell(watch, event);
  }

  private tell(watch: FakeWatch, { collection, type, object }: FakeEvent): void {
    if (collection !== watch.collection || !watch.selects(object)) return;
    watch.response.write(`${JSON.stringify({ type, object: partOf(object, watch.isMetadataOnly) })}\n`);
  }

  private select(collection: string, query: URLSearchParams): FakeObject[] {
    return [...this.objects]
      .filter(([path, object]) => collectionOf(path) === collection && selector(query)(object))
      .map(([, object]) => object);
  }

  private list(path: string, query: URLSearchParams, isMetadataOnly: boolean, response: ServerResponse): void {
    const found = this.select(path, query).map((object) => partOf(object, isMetadataOnly));
    const items = found.length === 0 ? null : found;
    send(response, 200, { kind: 'List', metadata: { resourceVersion: String(this.version) }, items });
  }

  private watch(collection: string, query: URLSearchParams, isMetadataOnly: boolean, response: ServerResponse): void {
    const from = query.get('resourceVersion');
    const isGone = from !== null && Number(from) < this.compactedBelow;
    if (isGone && this.goneAs === 'status') return fail(response, 410, 'Expired');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    if (isGone) {
      const object = { kind: 'Status', code: 410, reason: 'Expired', metadata: {} };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    const watch: FakeWatch = { collection, selects: selector(query), isMetadataOnly, response };
    this.watches.add(watch);
    response.on('close', () => this.watches.delete(watch));
    if (from === null) {
      for (const object of this.select(collection, query)) {
        this.tell(watch, { version: this.version, collection, type: 'ADDED', object });
      }
    } else for (const event of this.history) if (event.version > Number(from)) this.tell(watch, event);
  }
}

/** `…/namespaces/NAMESPACE/PLURAL` is a collection, one name more is an object. */
function isCollectionPath(path: string): boolean {
  const parts = path.split('/');
  return parts.length - parts.indexOf('namespaces') === 3;
}

function collectionOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function selector(query: URLSearchParams): (object: FakeObject) => boolean {
  const [label, value] = (query.get('labelSelector') ?? '').split('=');
  const [field, name] = (query.get('fieldSelector') ?? '').split('=');
  return ({ metadata }) =>
    (!label || metadata.labels?.[label] === value) && (field !== 'metadata.name' || metadata.name === name);
}

function partOf(object: FakeObject, isMetadataOnly: boolean): object {
  if (!isMetadataOnly) return object;
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: object.metadata };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function fail(response: ServerResponse, code: number, reason: string): void {
  send(response, code, { kind: 'Status', status: 'Failure', code, reason, message: reason });
}
