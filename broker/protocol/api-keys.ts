/** The APIs by key: what exists, in which versions, and which headers they travel under. */
import { API_TABLE } from './generated/api-table.ts';
import type { ListenerKind } from './schema.ts';

export interface ApiDescription {
  readonly key: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly flexibleFrom: number;
  /** Whether Kafka hides the newest version because it may still change. */
  readonly latestVersionUnstable: boolean;
  readonly listeners: readonly ListenerKind[];
}

const byKey = new Map<number, ApiDescription>(API_TABLE.map((api) => [api.key, api]));

export function apiByKey(key: number): ApiDescription | undefined {
  return byKey.get(key);
}

export { API_TABLE };

const API_VERSIONS = 18;

/** Flexible requests carry header version 2, the others 1. */
export function requestHeaderVersion(api: ApiDescription, version: number): 1 | 2 {
  return version >= api.flexibleFrom ? 2 : 1;
}

/** ApiVersions answers under header 0 in every version, for the client does not know yet what we speak (KIP-511). */
export function responseHeaderVersion(api: ApiDescription, version: number): 0 | 1 {
  return api.key !== API_VERSIONS && version >= api.flexibleFrom ? 1 : 0;
}
