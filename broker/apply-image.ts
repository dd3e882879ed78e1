/** Puts what the metadata says into effect on this broker: configs first, for they say how logs are opened. */
import type { BrokerConfig } from './config/mod.ts';
import type { GroupCoordinator } from './groups/mod.ts';
import { ConfigResource, configKey, configsOf, type MetadataDelta, type MetadataImage } from './metadata/mod.ts';
import type { Replica, ReplicaManager } from './replication/mod.ts';
import type { Telemetry } from './telemetry/mod.ts';

export async function applyImage(options: {
  /** With the first image: what this broker acted on last before it started. */
  readonly before?: MetadataImage | undefined;
  readonly image: MetadataImage;
  readonly delta: MetadataDelta;
  readonly nodeId: number;
  readonly config: BrokerConfig;
  readonly replicas: ReplicaManager;
  readonly groups: GroupCoordinator;
  readonly telemetry: Telemetry;
}): Promise<void> {
  const { image, delta, nodeId, config, replicas, groups, telemetry } = options;
  const brokerKeys = [configKey(ConfigResource.broker, String(nodeId)), configKey(ConfigResource.broker, '')];
  if (brokerKeys.some((key) => delta.changedConfigs.has(key))) {
    config.setDynamic({
      broker: configsOf(image, ConfigResource.broker, String(nodeId)),
      clusterDefault: configsOf(image, ConfigResource.broker, ''),
    });
  }
  if (options.before !== undefined) await replicas.retireLeftovers(options.before, image, delta.isCertain);
  await replicas.applyImage(image, delta);
  for (const topic of delta.removedTopics) telemetry.topicRemoved(topic.name);
  // What was committed for a topic that may only have been forgotten stays.
  if (delta.removedTopics.length > 0 && delta.isCertain)
    groups.topicsDeleted(delta.removedTopics.map(({ name }) => name));
}

/** A partition of the offsets topic has a coordinator where it has its leader, and only there. */
export function electOrResign(groups: GroupCoordinator, replica: Replica): void {
  if (replica.isLeader) groups.onElection(replica.partition, coordinatorLog(replica));
  else groups.onResignation(replica.partition);
}

/** A replica as the coordinator runtime sees it. */
function coordinatorLog(replica: Replica): Parameters<GroupCoordinator['onElection']>[1] {
  return {
    get leaderEpoch() {
      return replica.leaderEpoch;
    },
    get logStartOffset() {
      return replica.logStartOffset;
    },
    get logEndOffset() {
      return replica.logEndOffset;
    },
    get highWatermark() {
      return replica.highWatermark;
    },
    append: (batch, appendOptions, done) => replica.append(batch, appendOptions, done),
    awaitCommitted: (offset, done) => replica.awaitCommitted(offset, done, { needsMinInSync: true }),
    async read({ offset, maxBytes }) {
      const result = await replica.read({ offset, maxBytes, isolation: 'logEnd', minOneBatch: true });
      const bytes = Buffer.concat(result.chunks as Buffer[]);
      result.release();
      return bytes;
    },
  };
}
