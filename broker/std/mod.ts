/**
 * What every room stands on: assertions, errors, ids and the runtime seam. It imports only node:* and knows nothing of
 * Kafka beyond the shape of a UUID.
 */
export * from './assert.ts';
export * from './backoff.ts';
export * from './broker-error.ts';
export * from './deadline.ts';
export type * from './http-client.ts';
export * from './runtime.ts';
export * from './uuid.ts';
