/** Three brokers, ours or others', as an administrator sees them: one topic on all of them, who leads, who decides. */
import { defineCall } from '../../broker/protocol/connection/mod.ts';
import * as reassignRequest from '../../broker/protocol/generated/alter-partition-reassignments-request.ts';
import * as reassignResponse from '../../broker/protocol/generated/alter-partition-reassignments-response.ts';
import { writeDescribeQuorumRequest } from '../../broker/protocol/generated/describe-quorum-request.ts';
import { readDescribeQuorumResponse } from '../../broker/protocol/generated/describe-quorum-response.ts';
import { writeElectLeadersRequest } from '../../broker/protocol/generated/elect-leaders-request.ts';
import { readElectLeadersResponse } from '../../broker/protocol/generated/elect-leaders-response.ts';
import { ErrorCode, errorName } from '../../broker/protocol/mod.ts';
import * as calls from '../support/calls.ts';
import { pause } from '../support/real-world.ts';
import { type Address, ChaosClient, runtime } from './client.ts';

export const NODE_IDS = [1, 2, 3] as const;
export const TOPIC = 'chaos';
export const PARTITIONS = 6;

const SETTLE_MS_MAX = 45_000;
const LOOK_EVERY_MS = 25;
const ADMIN_TIMEOUT_MS = 10_000;

const describeQuorumCall = defineCall(55, writeDescribeQuorumRequest, readDescribeQuorumResponse);
const electLeadersCall = defineCall(43, writeElectLeadersRequest, readElectLeadersResponse);
const reassignCall = defineCall(
  45,
  reassignRequest.writeAlterPartitionReassignmentsRequest,
  reassignResponse.readAlterPartitionReassignmentsResponse,
);

export class BrokerGroup {
  /** Where clients reach each broker. */
  readonly addresses: ReadonlyMap<number, Address>;
  private readonly client: ChaosClient;

  constructor(addresses: ReadonlyMap<number, Address>) {
    this.addresses = addresses;
    this.client = new ChaosClient({ clientId: 'chaos-admin', topic: TOPIC, addresses });
  }

  get bootstrap(): string {
    return [...this.addresses.values()].map(({ host, port }) => `${host}:${port}`).join();
  }

  async createTopic(): Promise<void> {
    const assignments = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
      partitionIndex,
      brokerIds: replicasFrom(partitionIndex),
    }));
    const request = {
      timeoutMs: ADMIN_TIMEOUT_MS,
      validateOnly: false,
      topics: [{ name: TOPIC, numPartitions: -1, replicationFactor: -1, assignments, configs: [] }],
    };
    await this.eventually('the topic was not created', async () => {
      const { topics } = await this.client.ask(1, calls.createTopicsCall, 7, request);
      const errorCode = topics[0]?.errorCode;
      return errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS;
    });
  }

  /** Every broker sees every replica in sync, and every partition led. */
  settled(): Promise<void> {
    return this.eventually('the replicas did not all come back in sync', async () => {
      const views = await Promise.all(NODE_IDS.map((id) => this.client.viewOf(id)));
      return views.every(
        (view) =>
          view.size === PARTITIONS &&
          [...view.values()].every(({ leader, inSync }) => leader > 0 && inSync.length === NODE_IDS.length),
      );
    });
  }

  /** How many replicas are in sync where they are fewest, as some broker sees it; 0 when none answers. */
  async fewestInSync(): Promise<number> {
    for (const id of this.addresses.keys()) {
      try {
        const view = await this.client.viewOf(id);
        return Math.min(...[...view.values()].map(({ inSync }) => inSync.length));
      } catch {}
    }
    return 0;
  }

  /** Leaders are where they were meant to be: two on each broker. */
  async balance(): Promise<void> {
    const topicPartitions = [{ topic: TOPIC, partitions: [...Array(PARTITIONS).keys()] }];
    await this.eventually('leaders did not go back to their preferred replicas', async () => {
      const view = await this.client.viewOf(1);
      if ([...view.values()].every(({ leader, replicas }) => leader === replicas[0])) return true;
      const request = { electionType: 0, topicPartitions, timeoutMs: ADMIN_TIMEOUT_MS };
      await this.client.ask(1, electLeadersCall, 2, request);
      return false;
    });
  }

  /** Puts the broker last in every list of replicas, or back in its turn, and leaders where they are first. */
  async prefer(options: { readonly last: number | undefined }): Promise<void> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => {
      const replicas = replicasFrom(partitionIndex);
      const { last } = options;
      if (last === undefined) return { partitionIndex, replicas };
      const others = replicas.filter((id) => id !== last);
      if (partitionIndex % 2 === 1) others.reverse();
      return { partitionIndex, replicas: [...others, last] };
    });
    await this.eventually('replicas were not reordered', async () => {
      const request = { timeoutMs: ADMIN_TIMEOUT_MS, topics: [{ name: TOPIC, partitions }] };
      const { errorCode } = await this.client.ask(1, reassignCall, 0, request);
      if (errorCode !== ErrorCode.NONE) throw new Error(errorName(errorCode));
      const view = await this.client.viewOf(1);
      return partitions.every(
        ({ partitionIndex, replicas }) => view.get(partitionIndex)?.replicas.join() === replicas.join(),
      );
    });
    await this.balance();
  }

  /** Who decides, as that broker itself says. */
  async controllerId(): Promise<number> {
    let controllerId = -1;
    await this.eventually('there is no controller', async () => {
      const request = { topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }] };
      const { topics } = await this.client.ask(1, describeQuorumCall, 1, request);
      controllerId = topics[0]?.partitions[0]?.leaderId ?? -1;
      return controllerId > 0;
    });
    return controllerId;
  }

  private async eventually(problem: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadlineMs = runtime.clock.monotonicMs() + SETTLE_MS_MAX;
    let last = '';
    while (runtime.clock.monotonicMs() < deadlineMs) {
      try {
        if (await isSo()) return;
      } catch (error) {
        last = (error as Error).message;
      }
      await pause(LOOK_EVERY_MS);
    }
    throw new Error(last === '' ? problem : `${problem}: ${last}`);
  }

  close(): void {
    this.client.close();
  }
}

/** All three brokers, each first for a third of the partitions. */
function replicasFrom(partition: number): number[] {
  return NODE_IDS.map((_, index) => NODE_IDS[(partition + index) % NODE_IDS.length] as number);
}
