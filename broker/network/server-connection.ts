/**
 * One client's connection: frames in, responses out in the order of the requests.
 *
 * Requests of one connection run side by side, but their responses wait in a queue of slots until it is their turn, for
 * clients match responses by order. What is ready leaves in one write: after the chunk that brought the requests, or at
 * the end of the turn for responses that were not ready at once.
 */

import { readRequestHeader } from '../protocol/generated/request-header.ts';
import { apiByKey, malformed, Reader, requestHeaderVersion, responseHeaderVersion, Writer } from '../protocol/mod.ts';
import { BrokerError, type Connection, type Logger, type Runtime } from '../std/mod.ts';
import type { BufferPool } from './buffer-pool.ts';
import { FrameAssembler } from './frame-assembler.ts';
import type { Answer, ConnectionContext, RequestContext, Router } from './request.ts';
import type { BudgetedConnection, RequestBudget } from './request-budget.ts';

/** Requests read but not yet answered, per connection. Beyond either bound we stop reading: TCP pushes back for us. */
const REQUESTS_IN_FLIGHT_MAX = 512;
const REQUEST_BYTES_IN_FLIGHT_MAX = 64 * 1024 * 1024;
/** Responses that the peer does not take. Beyond it we stop reading its requests. */
const UNSENT_BYTES_MAX = 16 * 1024 * 1024;

interface Slot {
  readonly requestBytes: number;
  context: RequestContext | undefined;
  responseBytes: number;
  /** When the handler was called, when it returned (0 until then), and when the response was ready. */
  startedMs: number;
  handledMs: number;
  readyMs: number;
  /** Undefined while the request is being worked on; empty when it gets no response. */
  chunks: Buffer[] | undefined;
  sent: (() => void) | undefined;
  throttleMs: number;
}

export interface ServerConnectionObserver {
  responseSent(context: RequestContext, responseBytes: number, times: RequestTimes): void;
}

/** Where the time of one request went, in milliseconds; together the time from its arrival to its response. */
export interface RequestTimes {
  /** Behind requests that came in the same read. */
  requestQueueMs: number;
  /** In its handler. */
  localMs: number;
  /** Parked, or waiting for the disk. */
  remoteMs: number;
  /** Behind responses that must leave first. */
  responseQueueMs: number;
}

/** Filled anew for every response, and read during the call only: a request allocates nothing to be measured. */
const times: RequestTimes = { requestQueueMs: 0, localMs: 0, remoteMs: 0, responseQueueMs: 0 };

export class ServerConnection implements BudgetedConnection {
  readonly context: ConnectionContext;
  private readonly connection: Connection;
  private readonly runtime: Runtime;
  private readonly router: Router;
  private readonly observer: ServerConnectionObserver | undefined;
  private readonly log: Logger;
  private readonly budget: RequestBudget;
  private readonly assembler: FrameAssembler;
  private readonly slots: Slot[] = [];
  private requestBytes = 0;
  /** As the budget of all connections knows it. */
  private budgetedBytes = 0;
  private isReading = true;
  private isInChunk = false;
  private isFlushPlanned = false;
  private isClosed = false;
  private isThrottled = false;
  private isEnding = false;
  lastActiveMs: number;

  constructor(options: {
    readonly connection: Connection;
    readonly context: ConnectionContext;
    readonly runtime: Runtime;
    readonly router: Router;
    readonly pool: BufferPool;
    readonly budget: RequestBudget;
    readonly frameBytesMax: number;
    readonly observer: ServerConnectionObserver | undefined;
    readonly closed: () => void;
  }) {
    const { connection, runtime } = options;
    this.connection = connection;
    this.context = options.context;
    this.runtime = runtime;
    this.router = options.router;
    this.observer = options.observer;
    this.log = runtime.log;
    this.budget = options.budget;
    this.lastActiveMs = runtime.clock.monotonicMs();
    this.assembler = new FrameAssembler(options.pool, options.frameBytesMax, (buffer, start, end) =>
      this.receive(buffer, start, end),
    );
    connection.onData = (chunk) => this.receiveChunk(chunk);
    connection.onDrain = () => this.goOn();
    connection.onClose = () => {
      this.isClosed = true;
      this.assembler.stop();
      for (const slot of this.slots.splice(0)) slot.sent?.();
      this.requestBytes = 0;
      this.account();
      this.budget.forget(this);
      options.router.disconnected(options.context);
      options.closed();
    };
  }

  get isIdle(): boolean {
    return this.slots.length === 0;
  }

  get partialBytes(): number {
    return this.assembler.arrivedBytes;
  }

  private receiveChunk(chunk: Buffer): void {
    if (this.isClosed) return;
    this.lastActiveMs = this.runtime.clock.monotonicMs();
    this.isInChunk = true;
    const problem = this.assembler.push(chunk);
    this.isInChunk = false;
    if (problem !== undefined) {
      this.close(
        `a frame of ${problem.sizeBytes} bytes was announced; 1 to ${this.assembler.frameBytesMax} are accepted`,
      );
      return;
    }
    this.flush();
    this.account();
    this.pauseIfNeeded();
  }

  private receive(buffer: Buffer, start: number, end: number): void {
    if (this.isClosed) return;
    const slot: Slot = {
      requestBytes: end - start,
      context: undefined,
      responseBytes: 0,
      startedMs: this.runtime.clock.monotonicMs(),
      handledMs: 0,
      readyMs: 0,
      chunks: undefined,
      sent: undefined,
      throttleMs: 0,
    };
    this.slots.push(slot);
    this.requestBytes += slot.requestBytes;
    try {
      const reader = new Reader(buffer, start, end);
      const context = this.readHeader(reader, end - start);
      slot.context = context;
      this.router.route(context, reader, this.answerInto(slot, context));
      slot.handledMs = this.runtime.clock.monotonicMs();
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code !== 'protocol.malformed') throw error;
      this.close(error.message);
    }
  }

  private readHeader(reader: Reader, sizeBytes: number): RequestContext {
    const key = reader.readInt16();
    const version = reader.readInt16();
    const api = apiByKey(key);
    if (api === undefined) throw malformed(`API key ${key} does not exist`);
    reader.offset -= 4;
    const header = readRequestHeader(reader, requestHeaderVersion(api, version));
    return {
      connection: this.context,
      api,
      version,
      correlationId: header.correlationId,
      clientId: header.clientId,
      operatorEpoch: header.operatorEpoch,
      receivedMs: this.lastActiveMs,
      sizeBytes,
    };
  }

  private answerInto(slot: Slot, context: RequestContext): Answer {
    return {
      send: (writeBody, options) => {
        if (this.isClosed) {
          options?.sent?.();
          return;
        }
        // ApiVersions answers an unknown version in version 0, whose header has no tagged fields either way.
        const writer = new Writer();
        writer.writeInt32(0);
        writer.writeInt32(context.correlationId);
        if (responseHeaderVersion(context.api, context.version) === 1) writer.writeUnsignedVarint(0);
        writeBody(writer);
        slot.responseBytes = writer.sizeBytes;
        slot.throttleMs = options?.throttleMs ?? 0;
        slot.sent = options?.sent;
        this.fill(slot, writer.finishFrame());
      },
      none: () => this.fill(slot, []),
      close: (reason) => this.close(reason),
    };
  }

  private fill(slot: Slot, chunks: Buffer[]): void {
    slot.chunks = chunks;
    slot.readyMs = this.runtime.clock.monotonicMs();
    if (this.isInChunk || this.isFlushPlanned) return;
    this.isFlushPlanned = true;
    this.runtime.clock.endOfTurn(() => {
      this.isFlushPlanned = false;
      this.flush();
      this.account();
      this.endIfAnswered();
      this.goOn();
    });
  }

  /** Writes all responses at the head of the queue that are ready. */
  private flush(): void {
    let ready = 0;
    const chunks: Buffer[] = [];
    const sent: (() => void)[] = [];
    let throttleMs = 0;
    const nowMs = this.runtime.clock.monotonicMs();
    for (const slot of this.slots) {
      if (slot.chunks === undefined) break;
      if (slot.responseBytes > 0) this.observe(slot, nowMs);
      for (const chunk of slot.chunks) chunks.push(chunk);
      if (slot.sent !== undefined) sent.push(slot.sent);
      throttleMs = Math.max(throttleMs, slot.throttleMs);
      this.requestBytes -= slot.requestBytes;
      ready++;
    }
    if (ready === 0) return;
    this.slots.splice(0, ready);
    if (this.isClosed || chunks.length === 0) {
      for (const callback of sent) callback();
      return;
    }
    this.lastActiveMs = nowMs;
    const all =
      sent.length === 0
        ? undefined
        : () => {
            for (const callback of sent) callback();
          };
    this.connection.write(coalesce(chunks), all);
    if (throttleMs > 0) this.throttle(throttleMs);
  }

  private observe(slot: Slot, nowMs: number): void {
    const { context, startedMs, handledMs, readyMs } = slot;
    if (context === undefined || this.observer === undefined) return;
    const wasReadyAtOnce = handledMs === 0 || readyMs < handledMs;
    times.requestQueueMs = startedMs - context.receivedMs;
    times.localMs = (wasReadyAtOnce ? readyMs : handledMs) - startedMs;
    times.remoteMs = wasReadyAtOnce ? 0 : readyMs - handledMs;
    times.responseQueueMs = nowMs - readyMs;
    this.observer.responseSent(context, slot.responseBytes, times);
  }

  /** The response has left with its throttle time in it; the connection is then mute for that long (KIP-219). */
  private throttle(throttleMs: number): void {
    this.isThrottled = true;
    this.pauseIfNeeded();
    this.runtime.clock.after(throttleMs, () => {
      this.isThrottled = false;
      this.goOn();
    });
  }

  private mustPause(): boolean {
    return (
      this.isThrottled ||
      this.isEnding ||
      this.slots.length >= REQUESTS_IN_FLIGHT_MAX ||
      this.requestBytes >= REQUEST_BYTES_IN_FLIGHT_MAX ||
      this.connection.writableBytes >= UNSENT_BYTES_MAX
    );
  }

  private account(): void {
    const bytes = this.requestBytes + this.assembler.heldBytes;
    if (bytes === this.budgetedBytes) return;
    this.budget.change(bytes - this.budgetedBytes);
    this.budgetedBytes = bytes;
  }

  private pauseIfNeeded(): void {
    if (!this.isReading || this.isClosed || (!this.mustPause() && this.budget.mayRead(this))) return;
    this.isReading = false;
    this.connection.pause();
    this.goOn();
  }

  /** Reads on, or waits for what keeps it from that. */
  goOn(): boolean {
    if (this.isReading || this.isClosed || this.mustPause()) return this.isReading;
    if (!this.budget.mayRead(this)) {
      this.budget.wait(this);
      return false;
    }
    this.isReading = true;
    this.connection.resume();
    return true;
  }

  close(reason: string): void {
    if (this.isClosed) return;
    this.log.debug({ reason, connection: this.context.connectionId }, 'connection closed by the broker');
    this.isClosed = true;
    this.assembler.stop();
    this.connection.destroy();
  }

  /** Reads no more requests, and closes when those that were read are answered. */
  end(): void {
    this.isEnding = true;
    this.pauseIfNeeded();
    this.endIfAnswered();
  }

  private endIfAnswered(): void {
    if (this.isEnding && !this.isClosed && this.slots.length === 0) this.connection.end();
  }
}

/** Small neighbours become one buffer: a system call per response costs more than copying it. */
const COALESCE_BYTES_MAX = 16 * 1024;

function coalesce(chunks: readonly Buffer[]): readonly Buffer[] {
  if (chunks.length < 2) return chunks;
  const merged: Buffer[] = [];
  let small: Buffer[] = [];
  const close = (): void => {
    if (small.length > 0) merged.push(small.length === 1 ? (small[0] as Buffer) : Buffer.concat(small));
    small = [];
  };
  for (const chunk of chunks) {
    if (chunk.length <= COALESCE_BYTES_MAX) small.push(chunk);
    else {
      close();
      merged.push(chunk);
    }
  }
  close();
  return merged;
}
