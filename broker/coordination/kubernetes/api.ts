/**
 * The Kubernetes API as far as a store needs it: objects by path, in JSON, with what its answers mean.
 *
 * Answers that a caller decides on (not found, conflict) are values. All else is `store.unavailable`, and a write that
 * failed so may have taken effect. Only a 429 is tried again here: the server says that it did nothing, and when to
 * come back.
 */
import { BrokerError, type Clock, type HttpClient, type HttpResponse, type HttpStream } from '../../std/mod.ts';
import { unavailable } from '../store.ts';

const REQUEST_TIMEOUT_MS = 5000;
/** A server that is too busy gets so many chances, and says itself how far apart. */
const THROTTLED_TRIES = 4;
const RETRY_AFTER_MS_MAX = 5000;
const RETRY_AFTER_MS = 1000;
const USER_AGENT = 'ottla';

export interface ObjectMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly resourceVersion?: string;
}

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
}

/** Asks for names, labels and versions only: a slot without its payload is a few hundred bytes. */
const METADATA_ONLY = {
  object: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
} as const;

export type Part = 'whole' | 'metadata';

export type WriteOutcome<Item> =
  | { readonly kind: 'written'; readonly object: Item }
  /** The object exists already, or is not what the write was based on, or is gone. Nothing happened. */
  | { readonly kind: 'conflict' };

export class KubernetesApi {
  private readonly http: HttpClient;
  private readonly clock: Clock;
  private readonly token: () => Promise<string | undefined>;

  constructor(options: {
    readonly http: HttpClient;
    readonly clock: Clock;
    /** Asked before every request: tokens of pods are renewed while they run. */
    readonly token: () => Promise<string | undefined>;
  }) {
    this.http = options.http;
    this.clock = options.clock;
    this.token = options.token;
  }

  /** Reads past every cache, because it names no resourceVersion. */
  async get<Item extends ApiObject>(path: string, part: Part = 'whole'): Promise<Item | undefined> {
    const response = await this.send('GET', path, { accept: part === 'whole' ? undefined : METADATA_ONLY.object });
    if (response.status === 404) return undefined;
    return this.expect<Item>(response, path, [200]);
  }

  /** The metadata of all objects with that label, read past every cache. */
  async listMetadata(path: string, labelSelector: string): Promise<readonly ApiObject[]> {
    const query = `labelSelector=${encodeURIComponent(labelSelector)}`;
    const response = await this.send('GET', `${path}?${query}`, { accept: METADATA_ONLY.list });
    // Of an empty list the server says null.
    return this.expect<{ readonly items: readonly ApiObject[] | null }>(response, path, [200]).items ?? [];
  }

  async create<Item extends ApiObject>(path: string, object: Item): Promise<WriteOutcome<Item>> {
    return this.written<Item>(await this.send('POST', path, { body: object }), path, [409]);
  }

  /** Replaces the object, if it still has the resourceVersion that its metadata says. */
  async update<Item extends ApiObject>(path: string, object: Item): Promise<WriteOutcome<Item>> {
    return this.written<Item>(await this.send('PUT', path, { body: object }), path, [404, 409]);
  }

  /** Silent when it is gone already. */
  async remove(path: string): Promise<void> {
    const response = await this.send('DELETE', path, {});
    if (response.status !== 404) this.expect(response, path, [200, 202]);
  }

  /** Opens a watch; events are lines of JSON. */
  async watch(path: string, query: Readonly<Record<string, string>>, part: Part): Promise<HttpStream> {
    const search = new URLSearchParams({ ...query, watch: '1', allowWatchBookmarks: 'true' });
    return this.http.stream({
      method: 'GET',
      path: `${path}?${search}`,
      headers: await this.headers(part === 'whole' ? undefined : METADATA_ONLY.object),
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
  }

  close(): void {
    this.http.close();
  }

  private async headers(accept: string | undefined): Promise<Record<string, string>> {
    const token = await this.token();
    return {
      accept: accept ?? 'application/json',
      'user-agent': USER_AGENT,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  private async send(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    options: { readonly accept?: string | undefined; readonly body?: unknown },
  ): Promise<HttpResponse> {
    const headers = await this.headers(options.accept);
    const body = options.body === undefined ? {} : { body: Buffer.from(JSON.stringify(options.body)) };
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    for (let tries = 1; ; tries++) {
      let response: HttpResponse;
      try {
        response = await this.http.request({ method, path, headers, ...body, timeoutMs: REQUEST_TIMEOUT_MS });
      } catch (error) {
        throw unavailable('the Kubernetes API did not answer', error);
      }
      if (response.status !== 429 || tries === THROTTLED_TRIES) return response;
      await new Promise<void>((resolve) => this.clock.after(retryAfterMs(response), resolve));
    }
  }

  private written<Item extends ApiObject>(
    response: HttpResponse,
    path: string,
    conflicts: readonly number[],
  ): WriteOutcome<Item> {
    if (conflicts.includes(response.status)) return { kind: 'conflict' };
    return { kind: 'written', object: this.expect<Item>(response, path, [200, 201]) };
  }

  private expect<Body>(response: HttpResponse, path: string, statuses: readonly number[]): Body {
    if (!statuses.includes(response.status)) throw refused(response, path);
    try {
      return JSON.parse(response.body.toString()) as Body;
    } catch (error) {
      throw unavailable(`the Kubernetes API answered ${path} with something else than JSON`, error);
    }
  }
}

export function retryAfterMs(response: { readonly headers: HttpResponse['headers'] }): number {
  const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
  return Number.isNaN(seconds) ? RETRY_AFTER_MS : Math.min(Math.max(seconds * 1000, 0), RETRY_AFTER_MS_MAX);
}

/** What the server said, in its own words: whoever reads it may have to mend a role or install a definition. */
function refused(response: HttpResponse, path: string): BrokerError {
  let reason = '';
  try {
    reason = String((JSON.parse(response.body.toString()) as { message?: string }).message ?? '');
  } catch {
    reason = response.body.toString('utf8', 0, 200);
  }
  return new BrokerError('store.unavailable', `the Kubernetes API answered ${response.status} to ${path}: ${reason}`, {
    retriable: true,
    context: { status: response.status },
  });
}
