/**
 * What replication must know of the other brokers, and the ways to reach them. The composition root hands it in: who is
 * registered, which broker is the controller and how connections are secured is known there, not here.
 */
import type { BrokerImage } from '../metadata/mod.ts';
import type { KafkaConnection } from '../protocol/connection/mod.ts';
import type { AlterPartitionRequestInit } from '../protocol/generated/alter-partition-request.ts';
import type { AlterPartitionResponse } from '../protocol/generated/alter-partition-response.ts';

export interface Peer {
  readonly nodeId: number;
  readonly brokerEpoch: number;
  readonly isFenced: boolean;
  readonly isShuttingDown: boolean;
  readonly rack: string | null;
  /** The address that its control listener was registered with. */
  readonly host: string;
  readonly port: number;
}

export interface Cluster {
  /** The registered broker, as of now; undefined when it is not registered. */
  peer(nodeId: number): Peer | undefined;
  /** This broker's own epoch, which changes with each registration; -1 before the first. */
  brokerEpoch(): number;
  /**
   * Opens a connection to the peer's control listener, made known to it and ready for requests; with the options that
   * `fetchConnectionOptions` gives.
   */
  connect(peer: Peer): Promise<KafkaConnection>;
  /** Asks the active controller. It may take minutes, and may reject at any time with the outcome unknown. */
  alterPartition(request: AlterPartitionRequestInit): Promise<AlterPartitionResponse>;
}

/** The cluster of a broker that has no peers. */
export const NO_PEERS: Cluster = {
  peer: () => undefined,
  brokerEpoch: () => -1,
  connect: (peer) => Promise.reject(new Error(`broker ${peer.nodeId} is not known`)),
  alterPartition: () => Promise.reject(new Error('a broker without peers has nobody to ask')),
};

/** A registered broker as replication sees it; undefined when it registered no control listener. */
export function peerFrom(broker: BrokerImage, controlListener: string): Peer | undefined {
  const endpoint = broker.endpoints.find(({ name }) => name === controlListener);
  if (endpoint === undefined) return undefined;
  const { id: nodeId, epoch: brokerEpoch, isFenced, isShuttingDown, rack } = broker;
  return { nodeId, brokerEpoch, isFenced, isShuttingDown, rack, host: endpoint.host, port: endpoint.port };
}

/**
 * Whether a follower that fetches as `brokerEpoch` may enter the in-sync set (KIP-841, KIP-903): the incarnation that
 * fetched must be the registered one, for a restarted broker may have lost what its predecessor fetched.
 */
export function isEligible(peer: Peer | undefined, brokerEpoch: number): boolean {
  return peer !== undefined && !peer.isFenced && !peer.isShuttingDown && peer.brokerEpoch === brokerEpoch;
}
