/** What an administrator asks of a simulated cluster, and what its brokers have on their disks. */
import { defineCall } from '../../broker/protocol/connection/mod.ts';
import * as reassignRequest from '../../broker/protocol/generated/alter-partition-reassignments-request.ts';
import * as reassignResponse from '../../broker/protocol/generated/alter-partition-reassignments-response.ts';
import { buildBatch } from '../../broker/protocol/mod.ts';
import { SimClient } from '../sim/sim-client.ts';
import { SimCluster } from '../sim/sim-cluster.ts';
import * as calls from './calls.ts';

const reassignCall = defineCall(
  45,
  reassignRequest.writeAlterPartitionReassignmentsRequest,
  reassignResponse.readAlterPartitionReassignmentsResponse,
);
const ANSWER_MS = 30_000;

export class SimAdmin {
  private readonly cluster: SimCluster;
  private clients = 0;

  constructor(cluster: SimCluster) {
    this.cluster = cluster;
  }

  /** Three brokers that serve. */
  static async start(seed: number, overrides: Readonly<Record<string, string>> = {}): Promise<SimAdmin> {
    const cluster = new SimCluster({ seed, brokers: 3, overrides });
    const admin = new SimAdmin(cluster);
    await admin.startAll();
    return admin;
  }

  get world(): SimCluster {
    return this.cluster;
  }

  async startAll(): Promise<void> {
    for (const { id } of this.cluster.nodes) this.cluster.start(id);
    await this.awaitRunning(...this.cluster.nodes.map(({ id }) => id));
  }

  async awaitRunning(...ids: readonly number[]): Promise<void> {
    const isRunning = (): boolean => ids.every((id) => this.cluster.node(id).state === 'running');
    if (!(await this.cluster.until(isRunning, 60_000))) throw new Error(`brokers ${ids} do not run`);
  }

  createTopic(name: string, numPartitions = 1): Promise<void> {
    return this.untilDone(async (client) => {
      const topic = { name, numPartitions, replicationFactor: 3, assignments: [], configs: [] };
      const request = { timeoutMs: 5000, validateOnly: false, topics: [topic] };
      const { topics } = await client.ask(client.anyPort(), calls.createTopicsCall, 7, request);
      return topics[0]?.errorCode === 0;
    });
  }

  deleteTopic(name: string): Promise<void> {
    return this.untilDone(async (client) => {
      const request = { topicNames: [name], timeoutMs: 5000 };
      const { responses } = await client.ask(client.anyPort(), calls.deleteTopicsCall, 5, request);
      return responses[0]?.errorCode === 0;
    });
  }

  reassign(topic: string, replicas: readonly number[]): Promise<void> {
    return this.untilDone(async (client) => {
      const partitions = [{ partitionIndex: 0, replicas: [...replicas] }];
      const request = { timeoutMs: 5000, topics: [{ name: topic, partitions }] };
      const { responses } = await client.ask(client.anyPort(), reassignCall, 0, request);
      return responses[0]?.partitions[0]?.errorCode === 0;
    });
  }

  produce(topic: string, value: string): Promise<void> {
    return this.untilDone(async (client) => {
      const leader = await client.leaderOf(topic, 0);
      if (leader === undefined) return false;
      const records = buildBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from(value) }] });
      const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
      const request = { transactionalId: null, acks: -1, timeoutMs: 2000, topicData };
      const { responses } = await client.ask(leader.port, calls.produceCall, 9, request);
      return responses[0]?.partitionResponses[0]?.errorCode === 0;
    });
  }

  /** Folders of the topic's partition on the broker's disk: the one that serves, and those set aside. */
  folders(id: number, topic: string): string[] {
    const names = this.cluster.node(id).disk.list('/data');
    const kinds = names.filter((name) => name === `${topic}-0` || name.startsWith(`${topic}-0.`));
    return kinds.map((name) => name.replace(/\.[0-9a-f]{32}/, '')).sort();
  }

  topicsKnownTo(id: number): string[] {
    return [...(this.cluster.node(id).running?.broker.image.topicsByName.keys() ?? [])].sort();
  }

  end(): void {
    for (const { id } of this.cluster.nodes) this.cluster.kill(id);
  }

  /** Tries with one broker after the other, as every client does. */
  private async untilDone(attempt: (client: SimClient) => Promise<boolean>): Promise<void> {
    const { clock, network, bootstrapPorts: ports } = this.cluster;
    const name = `admin-${this.clients++}`;
    const client = new SimClient({ name, clock, network: network.endpoint(`client-${name}`), ports });
    let isDone = false;
    const run = async (): Promise<void> => {
      for (let tries = 0; tries < 50 && !isDone; tries++) {
        isDone = await attempt(client).catch(() => false);
        if (!isDone) await client.pause(200);
      }
    };
    void run();
    if (!(await this.cluster.until(() => isDone, ANSWER_MS))) throw new Error('the cluster did not do what was asked');
  }
}
