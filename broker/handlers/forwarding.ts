/**
 * Requests that only the active controller can decide go to it in an Envelope, with who sent them, and its answer goes
 * back as it came (KIP-590). A client need not know which broker is the controller.
 */
import type { Answer, RequestContext } from '../network/mod.ts';
import { defineCall } from '../protocol/connection/mod.ts';
import { writeEnvelopeRequest } from '../protocol/generated/envelope-request.ts';
import { readEnvelopeResponse } from '../protocol/generated/envelope-response.ts';
import { readRequestHeader, writeRequestHeader } from '../protocol/generated/request-header.ts';
import {
  apiByKey,
  ErrorCode,
  malformed,
  Reader,
  requestHeaderVersion,
  responseHeaderVersion,
  Writer,
} from '../protocol/mod.ts';
import type { Broker } from './broker.ts';

const envelopeCall = defineCall(58, writeEnvelopeRequest, readEnvelopeResponse);
const ENVELOPE_VERSION = 0;
/** As long as a client waits by default; then it hears nothing and tries again by itself. */
const FORWARD_MS_MAX = 30_000;
const RETRY_MS = 100;
/** The answer waits this long at most for the change to arrive here too, so that a client sees what it did. */
const CATCH_UP_MS_MAX = 500;

/** Sends the request on until a controller answers it; views of `body` are valid only during the call. */
export function forwardToController(context: RequestContext, body: Reader, answer: Answer, broker: Broker): void {
  const requestData = requestBytes(context, body);
  const { clock, log } = broker.runtime;
  const deadlineMs = clock.monotonicMs() + FORWARD_MS_MAX;
  const attempt = async (): Promise<void> => {
    const leftMs = deadlineMs - clock.monotonicMs();
    if (leftMs <= 0) return answer.close('no controller answered in time');
    try {
      const { connection } = context;
      const { errorCode, responseData } = await broker.channel.request(
        envelopeCall,
        ENVELOPE_VERSION,
        {
          requestData,
          requestPrincipal: Buffer.from(connection.principal),
          clientHostAddress: Buffer.from(connection.clientAddress),
        },
        leftMs,
      );
      if (errorCode === ErrorCode.NONE && responseData !== null) {
        await Promise.race([broker.metadata.catchUp(), pause(broker, CATCH_UP_MS_MAX)]).catch(() => {});
        return relay(context, responseData, answer);
      }
      if (errorCode !== ErrorCode.NOT_CONTROLLER) return answer.close('the controller could not take the request');
    } catch (error) {
      log.debug({ err: error, api: context.api.name }, 'a request could not be forwarded; trying again');
    }
    await pause(broker, RETRY_MS);
    await attempt();
  };
  void attempt();
}

function pause(broker: Broker, delayMs: number): Promise<void> {
  return new Promise<void>((resolve) => broker.runtime.clock.after(delayMs, resolve));
}

function requestBytes(context: RequestContext, body: Reader): Buffer {
  const { api, version, correlationId, clientId, operatorEpoch } = context;
  const writer = new Writer();
  const header = { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId, operatorEpoch };
  writeRequestHeader(writer, header, requestHeaderVersion(api, version));
  writer.writeRaw(body.buffer.subarray(body.offset, body.end));
  return writer.finish();
}

/** The controller wrote a whole response; its header is written anew here, so only the body goes on. */
function relay({ api, version }: RequestContext, responseData: Buffer, answer: Answer): void {
  const reader = new Reader(responseData);
  reader.readInt32();
  if (responseHeaderVersion(api, version) === 1) reader.skipTaggedFields();
  answer.send((writer) => writer.writeRaw(responseData.subarray(reader.offset)));
}

/** The request that an Envelope carries, as if its client had sent it here. */
export function unwrap(
  envelope: {
    readonly requestData: Buffer;
    readonly requestPrincipal: Buffer | null;
    readonly clientHostAddress: Buffer;
  },
  outer: RequestContext,
): { readonly context: RequestContext; readonly body: Reader } {
  const body = new Reader(envelope.requestData);
  const key = body.readInt16();
  const version = body.readInt16();
  const api = apiByKey(key);
  if (api === undefined) throw malformed(`the forwarded API key ${key} does not exist`);
  body.offset = 0;
  const header = readRequestHeader(body, requestHeaderVersion(api, version));
  const context: RequestContext = {
    connection: {
      ...outer.connection,
      principal: envelope.requestPrincipal?.toString() ?? 'User:ANONYMOUS',
      clientAddress: envelope.clientHostAddress.toString(),
    },
    api,
    version,
    correlationId: header.correlationId,
    clientId: header.clientId,
    operatorEpoch: header.operatorEpoch,
    receivedMs: outer.receivedMs,
    sizeBytes: envelope.requestData.length,
  };
  return { context, body };
}

/** A whole response, header included, as the broker that forwarded the request expects it. */
export function wrappedResponse(
  { api, version, correlationId }: RequestContext,
  writeBody: (writer: Writer) => void,
): Buffer {
  const writer = new Writer();
  writer.writeInt32(correlationId);
  if (responseHeaderVersion(api, version) === 1) writer.writeUnsignedVarint(0);
  writeBody(writer);
  return writer.finish();
}
