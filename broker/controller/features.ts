/** The levels of features that the whole cluster uses: who may take part, and how a level is raised (KIP-584). */
import { type FeatureRange, METADATA_VERSION, type MetadataImage, type MetadataRecord } from '../metadata/mod.ts';
import { ErrorCode } from '../protocol/mod.ts';
import { type ApiError, apiError, type Decision } from './decision.ts';

export interface FeatureUpdate {
  readonly feature: string;
  readonly level: number;
}

/** What a new log begins with: a cluster that has no older broker can use everything from the start. */
export function firstFeatures(): MetadataRecord[] {
  return [{ kind: 'FeatureLevel', name: METADATA_VERSION.feature, featureLevel: METADATA_VERSION.maxLevel }];
}

/** Why a broker may not take part, which does not know a level that the cluster uses; undefined when it may. */
export function unsupportedFeature(image: MetadataImage, ranges: readonly FeatureRange[]): ApiError | undefined {
  for (const [name, level] of image.features) {
    const problem = rangeProblem(ranges, name, level);
    if (problem === undefined) continue;
    const sentence = `The cluster uses ${name} at level ${level}; the broker ${problem}. Upgrade the broker.`;
    return apiError(ErrorCode.UNSUPPORTED_VERSION, sentence);
  }
  return undefined;
}

/** Raises all of them or none; the first that is refused stands for all, as in Kafka. */
export function updateFeatures(image: MetadataImage, updates: readonly FeatureUpdate[]): Decision<ApiError> {
  const records: MetadataRecord[] = [];
  for (const { feature, level } of updates) {
    const problem = updateProblem(image, feature, level);
    if (problem !== undefined) {
      const sentence = `Invalid update version ${level} for feature ${feature}. ${problem}`;
      return { records: [], result: apiError(ErrorCode.INVALID_UPDATE_VERSION, sentence) };
    }
    if (image.features.get(feature) !== level) {
      records.push({ kind: 'FeatureLevel', name: feature, featureLevel: level });
    }
  }
  return { records, result: apiError(ErrorCode.NONE) };
}

function updateProblem(image: MetadataImage, feature: string, level: number): string | undefined {
  const current = image.features.get(feature);
  if (current === undefined) return `Local controller ${image.controllerId} does not support this feature.`;
  // Records of the present level are in the log, and a broker of a lower one could not read them.
  if (level < current) return `It is at level ${current}, and cannot be lowered.`;
  for (const { id, features } of image.brokers.values()) {
    const problem = rangeProblem(features, feature, level);
    if (problem !== undefined) return `Broker ${id} ${problem}.`;
  }
  return undefined;
}

function rangeProblem(ranges: readonly FeatureRange[], name: string, level: number): string | undefined {
  const range = ranges.find((each) => each.name === name);
  if (range === undefined) return 'does not support this feature';
  const { minSupportedVersion: min, maxSupportedVersion: max } = range;
  return level >= min && level <= max ? undefined : `supports levels ${min} to ${max}`;
}
