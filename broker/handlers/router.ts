/** From an API key to its handler; what is not in the table is not advertised and closes the connection. */
import type { Answer, ConnectionContext, RequestContext, Router } from '../network/mod.ts';
import { apiByKey, type Reader } from '../protocol/mod.ts';
import { BrokerError } from '../std/mod.ts';
import type { Broker } from './broker.ts';
import { forwardToController } from './forwarding.ts';
import type { Handler } from './handler.ts';

const API_VERSIONS = 18;
const CONTROL_HANDSHAKE = 20005;

export class HandlerRouter implements Router {
  private readonly handlers: ReadonlyMap<number, Handler>;
  private broker: Broker | undefined;

  constructor(handlers: readonly Handler[]) {
    this.handlers = new Map(handlers.map((handler) => [handler.key, handler]));
  }

  /** The broker is built after the router, for it tells what the router serves. */
  serve(broker: Broker): void {
    this.broker = broker;
  }

  handlerOf(key: number): Handler | undefined {
    return this.handlers.get(key);
  }

  servedVersions(key: number, isControlListener: boolean): { min: number; max: number } | undefined {
    const handler = this.handlers.get(key);
    const api = apiByKey(key);
    if (handler === undefined || api === undefined) return undefined;
    if (!isControlListener && !api.listeners.includes('broker')) return undefined;
    const newest = api.latestVersionUnstable ? api.maxVersion - 1 : api.maxVersion;
    return { min: handler.minVersion ?? api.minVersion, max: Math.min(handler.maxVersion ?? newest, newest) };
  }

  route(context: RequestContext, body: Reader, answer: Answer): void {
    const { api, version, connection } = context;
    const served = this.servedVersions(api.key, connection.isControlListener);
    const handler = this.handlers.get(api.key);
    const isServed = served !== undefined && version >= served.min && version <= served.max;
    if (this.broker === undefined || handler === undefined || (!isServed && api.key !== API_VERSIONS)) {
      answer.close(`${api.name} version ${version} is not served`);
      return;
    }
    const mustProve = connection.isControlListener && this.broker.controlSecret !== undefined && !connection.isTrusted;
    if (mustProve && api.key !== CONTROL_HANDSHAKE) {
      answer.close('a peer has not proven that it belongs to this cluster');
      return;
    }
    if (connection.isControlListener && api.key !== CONTROL_HANDSHAKE) this.broker.peerSpoke(context.clientId);
    if (!connection.isControlListener && this.broker.isIsolated()) {
      answer.close('this broker is cut off from its cluster');
      return;
    }
    try {
      if (handler.needsController === true && !this.broker.controller.isActive) {
        forwardToController(context, body, answer, this.broker);
      } else handler.run(context, body, answer, this.broker);
    } catch (error) {
      // Bytes that cannot be read are the client's fault, and the network room closes the connection for them. Anything
      // else is ours: the client of this one connection pays for it, not the others.
      if (error instanceof BrokerError && error.code === 'protocol.malformed') throw error;
      this.broker.runtime.log.error({ err: error, api: api.name, version }, 'request failed');
      answer.close('the request failed');
    }
  }

  disconnected(connection: ConnectionContext): void {
    this.broker?.disconnected(connection);
  }
}
