/**
 * A client's side of one Kafka connection: requests in, responses out, matched by order and correlation id.
 * Replication, the client and the tests stand on it; retries and versions are their affair.
 */
import { assert, BrokerError, type Clock, type Connection, type Runtime, type Timer } from '../../std/mod.ts';
import { apiByKey, requestHeaderVersion, responseHeaderVersion } from '../api-keys.ts';
import { writeRequestHeader } from '../generated/request-header.ts';
import { Reader } from '../reader.ts';
import { Writer } from '../writer.ts';
import { ResponseFrames } from './response-frames.ts';

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
  readonly sentMs: number;
  readonly resolve: (reader: Reader) => void;
  readonly reject: (error: Error) => void;
}

/** How a connection behaves beyond what every one does. */
export interface ConnectionOptions {
  /** A peer that does not answer a request for so long is given up, and the connection with it. */
  readonly requestTimeout?: { readonly afterMs: number; readonly clock: Clock };
  /** Larger responses close the connection. */
  readonly frameBytesMax?: number;
  /** How many buffers take turns to receive responses, whose bytes are gone when the last is used again; 0: none. */
  readonly reusedBuffers?: number;
  /** The term under which an operator asks. Its requests must be of versions with a header that carries it. */
  readonly operatorEpoch?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** As large as the largest fetch that Kafka's defaults allow, and a batch that did not fit into it. */
const FRAME_BYTES_MAX = 256 * 1024 * 1024;

export class KafkaConnection {
  private readonly connection: Connection;
  private readonly clientId: string;
  private readonly waiting: Waiting[] = [];
  private readonly frames: ResponseFrames;
  private readonly requestTimeout: ConnectionOptions['requestTimeout'];
  private readonly operatorEpoch: number;
  private timer: Timer | undefined;
  private nextCorrelationId = 1;
  private failure: Error | undefined;
  private readonly closedListeners: (() => void)[] = [];
  /** Called with every response. */
  onAnswered: () => void = () => {};

  private constructor(connection: Connection, clientId: string, options: ConnectionOptions) {
    this.connection = connection;
    this.clientId = clientId;
    this.requestTimeout = options.requestTimeout;
    this.operatorEpoch = options.operatorEpoch ?? -1;
    this.frames = new ResponseFrames({
      frameBytesMax: options.frameBytesMax ?? FRAME_BYTES_MAX,
      reusedBuffers: options.reusedBuffers ?? 0,
    });
    connection.onData = (chunk) => this.receive(chunk);
    connection.onClose = (error) => this.fail(error);
  }

  static async open(
    options: {
      readonly runtime: Pick<Runtime, 'network'>;
      readonly host: string;
      readonly port: number;
      readonly clientId: string;
    } & ConnectionOptions,
  ): Promise<KafkaConnection> {
    const { runtime, host, port, clientId } = options;
    return new KafkaConnection(await runtime.network.connect({ host, port }, CONNECT_TIMEOUT_MS), clientId, options);
  }

  /** Calls `listener` once the connection has ended, whoever ended it. */
  onClosed(listener: () => void): void {
    if (this.failure === undefined) this.closedListeners.push(listener);
    else listener();
  }

  get isOpen(): boolean {
    return this.failure === undefined;
  }

  /**
   * Rejects with BrokerError `net.closed` or `net.timeout` when the connection ends first. The response owns its bytes,
   * unless the connection reuses its buffers.
   */
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
        sentMs: this.requestTimeout?.clock.monotonicMs() ?? 0,
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
      if (this.timer === undefined) this.watch();
    });
  }

  /** One timer, for the oldest request: answers come in order. */
  private watch(): void {
    const { requestTimeout, waiting } = this;
    const oldest = waiting[0];
    this.timer = undefined;
    if (requestTimeout === undefined || oldest === undefined) return;
    const { afterMs, clock } = requestTimeout;
    const leftMs = oldest.sentMs + afterMs - clock.monotonicMs();
    if (leftMs > 0) {
      this.timer = clock.after(leftMs, () => this.watch());
      return;
    }
    this.fail(new BrokerError('net.timeout', 'a request was not answered in time', { retriable: true }));
    this.connection.destroy();
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
    const { clientId, operatorEpoch } = this;
    const header = { requestApiKey: call.key, requestApiVersion: version, correlationId, clientId, operatorEpoch };
    writeRequestHeader(writer, header, requestHeaderVersion(api, version));
    call.write(writer, body, version);
    return writer.finishFrame();
  }

  private receive(chunk: Buffer): void {
    if (this.failure !== undefined) return;
    try {
      this.frames.receive(chunk, (frame) => this.answered(frame));
    } catch (error) {
      this.fail(error as Error);
      this.connection.destroy();
    }
  }

  private answered(frame: Buffer): void {
    const first = this.waiting.shift();
    const reader = new Reader(frame);
    if (first === undefined || reader.readInt32() !== first.correlationId) {
      const error = new BrokerError('protocol.malformed', 'a response does not belong to the oldest request');
      first?.reject(error);
      throw error;
    }
    this.onAnswered();
    first.resolve(reader);
  }

  /** The first failure counts; what closes the connection afterwards follows from it. */
  private fail(cause: Error | undefined): void {
    this.timer?.cancel();
    this.failure ??=
      cause instanceof BrokerError
        ? cause
        : new BrokerError('net.closed', 'the connection was closed', { retriable: true, cause });
    for (const request of this.waiting.splice(0)) request.reject(this.failure);
    for (const listener of this.closedListeners.splice(0)) listener();
  }

  close(): void {
    this.connection.destroy();
  }
}
