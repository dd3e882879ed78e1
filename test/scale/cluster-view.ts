/** What a client sees of a cluster with many partitions: who leads, who is in sync, and who really answers. */
import { defineCall, KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { writeDescribeLogDirsRequest } from '../../broker/protocol/generated/describe-log-dirs-request.ts';
import { readDescribeLogDirsResponse } from '../../broker/protocol/generated/describe-log-dirs-response.ts';
import { writeDescribeQuorumRequest } from '../../broker/protocol/generated/describe-quorum-request.ts';
import { readDescribeQuorumResponse } from '../../broker/protocol/generated/describe-quorum-response.ts';
import type { MetadataResponseTopics } from '../../broker/protocol/generated/metadata-response.ts';
import { buildBatch, ErrorCode, errorName } from '../../broker/protocol/mod.ts';
import { silentLogger } from '../../broker/std/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import type { BrokerCluster } from '../support/broker-cluster.ts';
import { createTopicsCall, listOffsetsCall, metadataCall, produceCall } from '../support/calls.ts';

const runtime = nodeRuntime(silentLogger);
const describeQuorumCall = defineCall(55, writeDescribeQuorumRequest, readDescribeQuorumResponse);
const describeLogDirsCall = defineCall(35, writeDescribeLogDirsRequest, readDescribeLogDirsResponse);
const PRODUCE_TIMEOUT_MS = 60_000;
const UNTIL_MS_MAX = 120_000;
const LATEST_TIMESTAMP = -1;
const CREATE_TIMEOUT_MS = 60_000;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what: string, isSo: () => Promise<boolean> | boolean, everyMs = 100): Promise<void> {
  const deadlineMs = performance.now() + UNTIL_MS_MAX;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`it did not come to pass that ${what}`);
    await pause(everyMs);
  }
}

export class ClusterView {
  private readonly cluster: BrokerCluster;
  private readonly connections = new Map<number, KafkaConnection>();

  constructor(cluster: BrokerCluster) {
    this.cluster = cluster;
  }

  /** Speaks with these brokers from now on, and no others. */
  async connect(brokerIds: readonly number[]): Promise<void> {
    this.close();
    for (const id of brokerIds) {
      const { port } = this.cluster.broker(id);
      this.connections.set(id, await KafkaConnection.open({ runtime, host: '127.0.0.1', port, clientId: 'scale' }));
    }
  }

  private get any(): KafkaConnection {
    return this.connections.values().next().value as KafkaConnection;
  }

  async createTopic(name: string, partitions: number): Promise<void> {
    const topic = { name, numPartitions: partitions, replicationFactor: 3, assignments: [], configs: [] };
    const { topics } = await this.any.request(createTopicsCall, 7, {
      timeoutMs: CREATE_TIMEOUT_MS,
      validateOnly: false,
      topics: [topic],
    });
    const { errorCode } = topics[0] as (typeof topics)[number];
    if (errorCode !== ErrorCode.NONE) throw new Error(`topic ${name}: ${errorName(errorCode)}`);
  }

  async controllerId(): Promise<number> {
    const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }];
    const answer = await this.any.request(describeQuorumCall, 1, { topics });
    return answer.topics[0]?.partitions[0]?.leaderId ?? -1;
  }

  private async topics(brokerId?: number): Promise<readonly MetadataResponseTopics[]> {
    const connection = brokerId === undefined ? this.any : (this.connections.get(brokerId) as KafkaConnection);
    return (await connection.request(metadataCall, 12, { topics: null })).topics;
  }

  /** Replicas that the broker holds. */
  async replicasOn(brokerId: number): Promise<number> {
    const connection = this.connections.get(brokerId) as KafkaConnection;
    const { results } = await connection.request(describeLogDirsCall, 4, { topics: null });
    return results.reduce(
      (sum, { topics }) => sum + topics.reduce((count, { partitions }) => count + partitions.length, 0),
      0,
    );
  }

  /** One record to every partition, a topic of a leader at a time, until every in-sync replica has it. */
  async writeToAll(brokerIds: readonly number[]): Promise<void> {
    const records = buildBatch({ records: [{ timestamp: Date.now(), key: null, value: Buffer.alloc(100) }] });
    const topics = await this.topics();
    const writeTo = async (brokerId: number): Promise<void> => {
      const connection = this.connections.get(brokerId) as KafkaConnection;
      for (const { name, partitions } of topics) {
        const led = partitions.filter(({ leaderId }) => leaderId === brokerId);
        const partitionData = led.map(({ partitionIndex }) => ({ index: partitionIndex, records }));
        const { responses } = await connection.request(produceCall, 12, {
          transactionalId: null,
          acks: -1,
          timeoutMs: PRODUCE_TIMEOUT_MS,
          topicData: [{ name: name ?? '', partitionData }],
        });
        for (const { errorCode } of responses.flatMap(({ partitionResponses }) => partitionResponses)) {
          if (errorCode !== ErrorCode.NONE) throw new Error(`produce to ${name}: ${errorName(errorCode)}`);
        }
      }
    };
    await Promise.all(brokerIds.map(writeTo));
  }

  /** Partitions that `brokerId` believes to be led by `leaderId`. */
  async leadersOn(brokerId: number, leaderId: number): Promise<number> {
    let count = 0;
    for (const { partitions } of await this.topics(brokerId)) {
      for (const partition of partitions) if (partition.leaderId === leaderId || partition.leaderId < 0) count++;
    }
    return count;
  }

  /** Partitions that have `brokerId` as a replica but not in sync. */
  async outOfSync(brokerId: number): Promise<number> {
    let count = 0;
    for (const { partitions } of await this.topics()) {
      for (const { replicaNodes, isrNodes } of partitions) {
        if (replicaNodes.includes(brokerId) && !isrNodes.includes(brokerId)) count++;
      }
    }
    return count;
  }

  /** Partitions whose leader, among these brokers, does not answer for them; others have no leader here. */
  async unservedPartitions(brokerIds: readonly number[]): Promise<number> {
    let unserved = 0;
    const ledBy = new Map<number, { name: string; partitions: { partitionIndex: number; timestamp: number }[] }[]>();
    for (const { name, partitions } of await this.topics()) {
      for (const { partitionIndex, leaderId } of partitions) {
        if (!brokerIds.includes(leaderId)) {
          unserved++;
          continue;
        }
        const topics = ledBy.get(leaderId) ?? [];
        ledBy.set(leaderId, topics);
        if (topics.at(-1)?.name !== name) topics.push({ name: name ?? '', partitions: [] });
        topics.at(-1)?.partitions.push({ partitionIndex, timestamp: LATEST_TIMESTAMP });
      }
    }
    for (const [leaderId, topics] of ledBy) {
      const connection = this.connections.get(leaderId) as KafkaConnection;
      const answer = await connection.request(listOffsetsCall, 6, { replicaId: -1, isolationLevel: 0, topics });
      for (const { partitions } of answer.topics) {
        for (const { errorCode } of partitions) if (errorCode !== ErrorCode.NONE) unserved++;
      }
    }
    return unserved;
  }

  close(): void {
    for (const connection of this.connections.values()) connection.close();
    this.connections.clear();
  }
}
