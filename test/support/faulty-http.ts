/** HTTP that goes wrong on demand, between a store and any server: the faults of the store's contract. */
import { BrokerError, type HttpClient, type HttpRequest, type HttpStream } from '../../broker/std/mod.ts';
import type { AppendFault, Sleeper } from './store-contract.ts';

const isWrite = ({ method }: HttpRequest): boolean => method === 'POST' || method === 'PUT';

export class FaultyHttp {
  private nextWrite: AppendFault | undefined;
  private sleeper: { readonly isAsleep: () => void; readonly awake: Promise<void> } | undefined;
  private isAway = false;
  private delayMs = 0;
  private readonly pause: (ms: number) => Promise<void>;
  private readonly streams = new Set<HttpStream>();

  constructor(pause: (ms: number) => Promise<void>) {
    this.pause = pause;
  }

  wrap(http: HttpClient): HttpClient {
    return {
      request: async (request) => {
        const fault = isWrite(request) ? this.nextWrite : undefined;
        if (fault !== undefined) this.nextWrite = undefined;
        if (this.isAway || fault === 'before') throw closed();
        if (isWrite(request) && this.sleeper !== undefined) {
          const { isAsleep, awake } = this.sleeper;
          this.sleeper = undefined;
          isAsleep();
          await awake;
        }
        const response = await http.request(request);
        if (this.delayMs > 0) await this.pause(this.delayMs);
        if (fault === 'after') throw closed();
        return response;
      },
      stream: async (request) => {
        if (this.isAway) throw closed();
        const stream = await http.stream(request);
        this.streams.add(stream);
        return stream;
      },
      close: () => http.close(),
    };
  }

  readonly failNextAppend = (fault: AppendFault): void => {
    this.nextWrite = fault;
  };

  readonly putNextAppendToSleep = (): Sleeper => {
    const asleep = Promise.withResolvers<void>();
    const awake = Promise.withResolvers<void>();
    this.sleeper = { isAsleep: asleep.resolve, awake: awake.promise };
    return { isAsleep: asleep.promise, wake: awake.resolve };
  };

  readonly makeUnavailable = (): (() => void) => {
    this.isAway = true;
    return () => {
      this.isAway = false;
    };
  };

  readonly slowDown = (ms: number): void => {
    this.delayMs = ms;
  };

  readonly cutWatches = (): void => {
    for (const stream of this.streams) stream.close();
    this.streams.clear();
  };

  readonly stallWatches = (): void => {
    for (const stream of this.streams) stream.onData = () => {};
  };
}

function closed(): BrokerError {
  return new BrokerError('net.closed', 'the connection was cut', { retriable: true });
}
