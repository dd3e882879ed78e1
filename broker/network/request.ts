/** What the network room hands to its router: one request, who sent it, and the one way to answer it. */
import type { ApiDescription, Reader, Writer } from '../protocol/mod.ts';

/** Lives as long as its connection. */
export interface ConnectionContext {
  readonly connectionId: string;
  /** Grows with every connection that the server accepts. */
  readonly ordinal: number;
  readonly listener: string;
  readonly isControlListener: boolean;
  readonly clientAddress: string;
  principal: string;
  /** On the control listener: the other end has proven that it belongs to the cluster. */
  isTrusted: boolean;
  /** The nonce that a handshake under way has to answer. */
  handshakeNonce: Buffer | undefined;
  /** From ApiVersions v3 on (KIP-511). */
  clientSoftwareName: string;
  clientSoftwareVersion: string;
}

export interface RequestContext {
  readonly connection: ConnectionContext;
  readonly api: ApiDescription;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** The term of the operator that sent it; -1 from everybody else. */
  readonly operatorEpoch: number;
  readonly receivedMs: number;
  readonly sizeBytes: number;
}

export interface Answer {
  /** Writes the response body. Call once; `sent` runs when the bytes have left or the connection is gone. */
  send(
    writeBody: (writer: Writer) => void,
    options?: { readonly sent?: () => void; readonly throttleMs?: number },
  ): void;
  /** Ends the request without a response (acks=0). */
  none(): void;
  /** Ends the request by closing the connection. */
  close(reason: string): void;
}

/** The router is the only thing the network knows of the rest of the broker. */
export interface Router {
  /**
   * Called for each frame, in order. `body` and every view read from it are valid only during the call. Throwing a
   * BrokerError `protocol.malformed` closes the connection, as unreadable bytes must.
   */
  route(context: RequestContext, body: Reader, answer: Answer): void;
  /** The connection is gone: whatever waits on its behalf may stop. */
  disconnected(connection: ConnectionContext): void;
}
