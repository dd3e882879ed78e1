/**
 * Listeners, connections and frames. In come bytes; out goes each request, with its context and its place in the order
 * of responses, to a router. This room knows headers and sizes, not what any API means.
 */
export type { Answer, ConnectionContext, RequestContext, Router } from './request.ts';
export { type ListenerConfig, Server, type ServerLimits } from './server.ts';
export type { ServerConnectionObserver } from './server-connection.ts';
