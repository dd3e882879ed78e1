/**
 * min.insync.replicas is one value for the whole cluster, and stands in the log.
 *
 * Eligible leader replicas have every committed record as long as the high watermark stood still below the minimum
 * that the controller went by (KIP-966). Brokers with other files, or a file that changes from restart to restart,
 * would have other minimums than the controller. So the first controller writes its own as the cluster-wide default
 * and takes back what was set for single brokers; from then on neither changes. A new minimum forgets who was eligible.
 */
import { ConfigResource, configsOf, type MetadataImage, type MetadataRecord } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type ApiError, apiError } from './decision.ts';

const NAME = 'min.insync.replicas';
const OF_BROKER = `${ConfigResource.broker}/`;

/** What the log lacks; nothing once it was written. */
export function settleClusterMinimum(image: MetadataImage, own: string): MetadataRecord[] {
  const records: MetadataRecord[] = [];
  const record = (resourceName: string, value: string | null): void => {
    records.push({ kind: 'Config', resourceType: ConfigResource.broker, resourceName, name: NAME, value });
  };
  if (!configsOf(image, ConfigResource.broker, '').has(NAME)) record('', own);
  for (const [key, values] of image.configs) {
    const broker = key.slice(OF_BROKER.length);
    if (key.startsWith(OF_BROKER) && broker !== '' && values.has(NAME)) record(broker, null);
  }
  return records.length > 0 && image.topicsById.size > 0 ? [...records, ...forgetEligible(records)] : records;
}

/** For each change of the minimum: eligible is who became so under the old one. */
export function forgetEligible(records: readonly MetadataRecord[]): MetadataRecord[] {
  return records.flatMap((record): MetadataRecord[] => {
    if (record.kind !== 'Config' || record.name !== NAME) return [];
    return [{ kind: 'ClearElr', topicName: record.resourceType === ConfigResource.topic ? record.resourceName : '' }];
  });
}

/** What would leave brokers with other minimums than the controller. */
export function minimumProblem(
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
  changedNames: ReadonlySet<string>,
  overrides: ReadonlyMap<string, string>,
): ApiError | undefined {
  if (resourceType !== ConfigResource.broker || !changedNames.has(NAME)) return undefined;
  if (resourceName !== '') {
    return apiError(ErrorCode.INVALID_CONFIG, `Broker-level ${NAME} cannot be altered while ELR is enabled.`);
  }
  if (overrides.has(NAME)) return undefined;
  return apiError(ErrorCode.INVALID_CONFIG, `Cluster-level ${NAME} cannot be removed while ELR is enabled.`);
}
