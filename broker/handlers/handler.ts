/**
 * The shape of a handler: one per API key. The router decodes the request and encodes the response; a handler
 * authorises, checks that it is the right broker, asks one domain room and builds the answer.
 */
import type { RequestContext } from '../network/mod.ts';
import type { Reader, Writer } from '../protocol/mod.ts';
import type { Broker } from './broker.ts';

/** How a response leaves when there is more to say than its body. */
export interface Reply<Response> {
  send(response: Response, options?: { readonly sent?: () => void; readonly throttleMs?: number }): void;
  /** No response at all (Produce with acks=0). */
  none(): void;
  close(reason: string): void;
}

export interface Handler {
  readonly key: number;
  /** Only the active controller can decide it: elsewhere the request is forwarded. */
  readonly needsController?: boolean;
  /** The versions we serve, when they are fewer than the schema has. */
  readonly minVersion?: number;
  readonly maxVersion?: number;
  readonly run: (context: RequestContext, body: Reader, answer: HandlerAnswer, broker: Broker) => void;
}

interface HandlerAnswer {
  send(
    writeBody: (writer: Writer) => void,
    options?: { readonly sent?: () => void; readonly throttleMs?: number },
  ): void;
  none(): void;
  close(reason: string): void;
}

interface Definition<Request, Response> {
  readonly key: number;
  readonly needsController?: boolean;
  readonly minVersion?: number;
  readonly maxVersion?: number;
  readonly read: (reader: Reader, version: number) => Request;
  readonly write: (writer: Writer, response: Response, version: number) => void;
}

/** A handler that answers with a value, at once or later. */
export function handler<Request, Response>(
  definition: Definition<Request, Response> & {
    readonly handle: (request: Request, context: RequestContext, broker: Broker) => Response | Promise<Response>;
  },
): Handler {
  return replyingHandler({
    ...definition,
    handle(request, context, broker, reply) {
      const result = definition.handle(request, context, broker);
      if (!(result instanceof Promise)) {
        reply.send(result);
        return;
      }
      result.then(
        (response) => reply.send(response),
        (error: unknown) => {
          // Without a response of its own shape for a failure nobody foresaw, closing is the honest answer: the client
          // retries on a new connection, and the log says why.
          broker.runtime.log.error({ err: error, api: context.api.name }, 'request failed');
          reply.close('the request failed');
        },
      );
    },
  });
}

/** A handler that decides itself when and how to reply; views of the request are valid only during the call. */
export function replyingHandler<Request, Response>(
  definition: Definition<Request, Response> & {
    readonly handle: (request: Request, context: RequestContext, broker: Broker, reply: Reply<Response>) => void;
  },
): Handler {
  const { key, read, write, handle } = definition;
  return {
    key,
    ...(definition.needsController === undefined ? {} : { needsController: definition.needsController }),
    ...(definition.minVersion === undefined ? {} : { minVersion: definition.minVersion }),
    ...(definition.maxVersion === undefined ? {} : { maxVersion: definition.maxVersion }),
    run(context, body, answer, broker) {
      const { version } = context;
      handle(read(body, version), context, broker, {
        send(response, options) {
          try {
            answer.send((writer) => write(writer, response, version), options);
          } catch (error) {
            // A response that its version cannot carry is our bug. It costs this client its connection, nobody else.
            broker.runtime.log.error({ err: error, api: context.api.name, version }, 'response could not be written');
            answer.close('the response could not be written');
          }
        },
        none: answer.none,
        close: answer.close,
      });
    },
  };
}
