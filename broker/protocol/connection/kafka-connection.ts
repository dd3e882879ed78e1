/**
 * A client's side of one Kafka connection: requests in, responses out, matched by order and correlation id.
 * Replication, the client and the tests stand on it; retries and versions are their affair.
 */
import { assert, BrokerError, type Connection, type Runtime } from '../../std/mod.ts';
import { apiByKey, requestHeaderVersion, responseHeaderVersion } from '../api-keys.ts';
import { writeRequestHeader } from '../generated/request-header.ts';
import { Reader } from '../reader.ts';
import { Writer } from '../writer.ts';

/** How one API is called: made once per API with `defineCall`. */
export interface Call<RequestInit, Response> {
  readonly key: number;
  readonly write: (writer: Writer, request: RequestInit, version: number) => void;
  readonly read: (reader: Reader, version: number) => Response;
}

export function defineCall<RequestInit, Response>(
  key: number,
  write: Call<RequestInit, Response>['write'],
  read: Call<RequestInit, Response>['read'],
): Call<RequestInit, Response> {
  return { key, write, read };
}

interface Waiting {
  readonly correlationId: number;
  readonly resolve: (reader: Reader) => void;
  readonly reject: (error: Error) => void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const SIZE_BYTES = 4;

export class KafkaConnection {
  private readonly connection: Connection;
  private readonly clientId: string;
  private readonly waiting: Waiting[] = [];
  private received: Buffer = Buffer.alloc(0);
  private nextCorrelationId = 1;
  private failure: Error | undefined;
  private readonly closedListeners: (() => void)[] = [];

  private constructor(connection: Connection, clientId: string) {
    this.connection = connection;
    this.clientId = clientId;
    connection.onData = (chunk) => this.receive(chunk);
    connection.onClose = (error) => this.fail(error);
  }

  static async open(options: {
    readonly runtime: Pick<Runtime, 'network'>;
    readonly host: string;
    readonly port: number;
    readonly clientId: string;
  }): Promise<KafkaConnection> {
    const { runtime, host, port, clientId } = options;
    return new KafkaConnection(await runtime.network.connect({ host, port }, CONNECT_TIMEOUT_MS), clientId);
  }

  /** Calls `listener` once the connection has ended, whoever ended it. */
  onClosed(listener: () => void): void {
    if (this.failure === undefined) this.closedListeners.push(listener);
    else listener();
  }

  get isOpen(): boolean {
    return this.failure === undefined;
  }

  /** Rejects with BrokerError `net.closed` when the connection ends first. The response owns its bytes. */
  request<RequestInit, Response>(
    call: Call<RequestInit, Response>,
    version: number,
    body: RequestInit,
  ): Promise<Response> {
    // The frame first: a body that its version cannot carry throws, and nothing may wait for its answer then.
    const correlationId = this.nextCorrelationId++;
    const frame = this.frame(call, version, correlationId, body);
    const answered = this.enqueue(call, version, correlationId);
    this.connection.write(frame);
    return answered;
  }

  /** For requests that get no response (Produce with acks=0). */
  requestWithoutResponse<RequestInit, Response>(
    call: Call<RequestInit, Response>,
    version: number,
    body: RequestInit,
  ): void {
    this.connection.write(this.frame(call, version, this.nextCorrelationId++, body));
  }

  private enqueue<RequestInit, Response>(
    call: Call<RequestInit, Response>,
    version: number,
    correlationId: number,
  ): Promise<Response> {
    const api = apiByKey(call.key);
    assert(api !== undefined, `API key ${call.key} is in the table`);
    return new Promise<Response>((resolve, reject) => {
      if (this.failure !== undefined) {
        reject(this.failure);
        return;
      }
      this.waiting.push({
        correlationId,
        reject,
        resolve: (reader) => {
          try {
            if (responseHeaderVersion(api, version) === 1) reader.skipTaggedFields();
            resolve(call.read(reader, version));
          } catch (error) {
            reject(error as Error);
          }
        },
      });
    });
  }

  private frame<RequestInit, Response>(
    call: Call<RequestInit, Response>,
    version: number,
    correlationId: number,
    body: RequestInit,
  ): Buffer[] {
    const api = apiByKey(call.key);
    assert(api !== undefined, `API key ${call.key} is in the table`);
    const writer = new Writer();
    writer.writeInt32(0);
    writeRequestHeader(
      writer,
      { requestApiKey: call.key, requestApiVersion: version, correlationId, clientId: this.clientId },
      requestHeaderVersion(api, version),
    );
    call.write(writer, body, version);
    return writer.finishFrame();
  }

  private receive(chunk: Buffer): void {
    this.received = this.received.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.received, chunk]);
    for (;;) {
      if (this.received.length < SIZE_BYTES) return;
      const end = SIZE_BYTES + this.received.readInt32BE(0);
      if (this.received.length < end) return;
      const reader = new Reader(this.received, SIZE_BYTES, end);
      this.received = this.received.subarray(end);
      const first = this.waiting.shift();
      if (first === undefined || reader.readInt32() !== first.correlationId) {
        first?.reject(new BrokerError('protocol.malformed', 'a response does not belong to the oldest request'));
        this.connection.destroy();
        return;
      }
      first.resolve(reader);
    }
  }

  private fail(cause: Error | undefined): void {
    this.failure = new BrokerError('net.closed', 'the connection was closed', { retriable: true, cause });
    for (const request of this.waiting.splice(0)) request.reject(this.failure);
    for (const listener of this.closedListeners.splice(0)) listener();
  }

  close(): void {
    this.connection.destroy();
  }
}
