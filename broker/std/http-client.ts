/** HTTP towards one server, as a client: the Kubernetes API is spoken over it. Node's is in `node-http-client.ts`. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the root of the server, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** Until the whole answer is there; of a stream, until its head is. */
  readonly timeoutMs: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface HttpStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Set by the owner in the same turn in which the stream arrived. */
  onData: (chunk: Buffer) => void;
  /** The stream ended, by either side; called once. */
  onClose: () => void;
  close(): void;
}

/** Rejects with BrokerError `net.refused` (nothing was sent), `net.timeout` or `net.closed` (outcome unknown). */
export interface HttpClient {
  request(request: HttpRequest): Promise<HttpResponse>;
  stream(request: HttpRequest): Promise<HttpStream>;
  close(): void;
}
