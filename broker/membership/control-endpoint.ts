/** Where a broker takes what its peers say to it. */
import type { EndpointImage } from '../metadata/mod.ts';

/** The control listener's name. It takes what brokers say to each other, and no client is told of it. */
export const CONTROL_LISTENER = 'CONTROL';

export function controlEndpointOf(endpoints: readonly EndpointImage[]): EndpointImage | undefined {
  return endpoints.find(({ name }) => name === CONTROL_LISTENER);
}
