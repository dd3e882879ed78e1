/**
 * How the rooms of one broker reach the other brokers: addresses from the image, connections, and what a lost one
 * means.
 */
import { type BrokerConfig, buildLogConfig, effectiveTopicValue, minInSyncReplicas } from './config/mod.ts';
import type { ClusterKeeper, Controller } from './controller/mod.ts';
import {
  type BrokerLifecycle,
  CONTROL_LISTENER,
  type ControllerChannel,
  controlEndpointOf,
  type PeerConnector,
  type PeerProbe,
} from './membership/mod.ts';
import { ConfigResource, configsOf, type MetadataImage, type MetadataLoader } from './metadata/mod.ts';
import { defineCall } from './protocol/connection/mod.ts';
import { writeAlterPartitionRequest } from './protocol/generated/alter-partition-request.ts';
import { readAlterPartitionResponse } from './protocol/generated/alter-partition-response.ts';
import {
  type Cluster,
  fetchConnectionOptions,
  peerFrom,
  type ReplicaConfig,
  type ReplicationConfig,
  throttledPartitions,
} from './replication/mod.ts';
import type { Runtime } from './std/mod.ts';

const alterPartitionCall = defineCall(56, writeAlterPartitionRequest, readAlterPartitionResponse);
const ALTER_PARTITION_VERSION = 3;
/** The store may be away for minutes; the answer is worth waiting for, and asking again would only add to the queue. */
const ALTER_PARTITION_MS = 60_000;

/** The other brokers, as replication sees them. */
export function clusterOf(options: {
  readonly runtime: Runtime;
  readonly connector: PeerConnector;
  readonly loader: MetadataLoader;
  readonly channel: ControllerChannel;
  readonly lifecycle: BrokerLifecycle;
}): Cluster {
  const { runtime, connector, loader, channel, lifecycle } = options;
  return {
    peer(id) {
      const broker = loader.image.brokers.get(id);
      return broker === undefined ? undefined : peerFrom(broker, CONTROL_LISTENER);
    },
    brokerEpoch: () => lifecycle.brokerEpoch,
    connect: (peer) => connector.connect(peer, fetchConnectionOptions(runtime.clock)),
    async alterPartition(request) {
      const answer = await channel.request(alterPartitionCall, ALTER_PARTITION_VERSION, request, ALTER_PARTITION_MS);
      // The set that it names may stand on a minimum or on replicas that are news here: those must be known first.
      await loader.catchUp();
      return answer;
    },
  };
}

export function replicationConfig(config: BrokerConfig): ReplicationConfig {
  return {
    lagTimeMaxMs: config.number('replica.lag.time.max.ms'),
    fetchMaxBytes: config.number('replica.fetch.max.bytes'),
    fetchResponseMaxBytes: config.number('replica.fetch.response.max.bytes'),
    fetchMinBytes: config.number('replica.fetch.min.bytes'),
    fetchWaitMaxMs: config.number('replica.fetch.wait.max.ms'),
    fetchBackoffMs: config.number('replica.fetch.backoff.ms'),
  };
}

/** What a topic's configs mean to its replicas on this broker. */
export function replicaConfigOf(
  config: BrokerConfig,
  image: MetadataImage,
  topic: string,
  nodeId: number,
): ReplicaConfig {
  const overrides = configsOf(image, ConfigResource.topic, topic);
  const listOf = (name: string): string[] =>
    effectiveTopicValue(config, overrides, name)
      .split(',')
      .filter((entry) => entry !== '');
  return {
    log: buildLogConfig(config, overrides),
    minInSyncReplicas: minInSyncReplicas(config, image, topic),
    throttledAsLeader: throttledPartitions(listOf('leader.replication.throttled.replicas'), nodeId),
    throttledAsFollower: throttledPartitions(listOf('follower.replication.throttled.replicas'), nodeId),
  };
}

/** The connection of a broker's heartbeats closed: a process that is gone need not be waited for. */
export async function fenceIfGone(options: {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly controller: Controller;
  readonly keeper: ClusterKeeper;
  readonly probe: PeerProbe;
  readonly loader: MetadataLoader;
}): Promise<void> {
  const { brokerId, brokerEpoch, controller, keeper, probe, loader } = options;
  const broker = loader.image.brokers.get(brokerId);
  const endpoint = controlEndpointOf(broker?.endpoints ?? []);
  if (!controller.isActive || broker?.epoch !== brokerEpoch || endpoint === undefined) return;
  if (await probe.isGone(endpoint)) await keeper.fence(brokerId, brokerEpoch, 'its process is gone');
}

/**
 * The connection to the controller closed: where its process is gone, its lease need not be waited for. Whoever takes
 * over knows already that the broker beside that controller is gone, too.
 */
export async function takeOverIfGone(options: {
  readonly controllerId: number;
  readonly controller: Controller;
  readonly keeper: ClusterKeeper;
  readonly probe: PeerProbe;
  readonly loader: MetadataLoader;
}): Promise<void> {
  const { controllerId, controller, keeper, probe, loader } = options;
  const { image } = loader;
  const endpoint = controlEndpointOf(image.controllerEndpoints);
  const brokerEpoch = image.brokers.get(controllerId)?.epoch ?? -1;
  if (image.controllerId !== controllerId || endpoint === undefined) return;
  if (!(await probe.isGone(endpoint))) return;
  await controller.takeOver(controllerId);
  if (controller.isActive) await keeper.fence(controllerId, brokerEpoch, 'its process is gone');
}
