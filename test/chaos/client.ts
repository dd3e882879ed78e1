/**
 * A small Kafka client for a cluster in trouble: it learns who leads from any broker, asks that one, and looks again
 * when the answer says so or does not come. What it met on the way is counted, for the report.
 */
import { type Call, KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { ErrorCode, errorName } from '../../broker/protocol/mod.ts';
import { BrokerError, silentLogger } from '../../broker/std/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import * as calls from '../support/calls.ts';
import { pause } from '../support/real-world.ts';

export const runtime = nodeRuntime(silentLogger);

/** What decides how soon a client is back after a fault, besides the brokers. */
export const CLIENT_SETTINGS = { requestTimeoutMs: 1500, metadataTimeoutMs: 500, retryBackoffMs: 20 } as const;

const METADATA_VERSION = 12;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface PartitionView {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

export class ChaosClient {
  readonly clientId: string;
  readonly topic: string;
  readonly errors = new Map<string, number>();
  /** Where each broker is, by its id. */
  readonly addresses: ReadonlyMap<number, Address>;
  private readonly connections = new Map<number, Promise<KafkaConnection>>();
  private readonly partitions = new Map<number, PartitionView>();
  private looking: Promise<void> | undefined;
  private asked = 0;

  constructor(options: {
    readonly clientId: string;
    readonly topic: string;
    readonly addresses: ReadonlyMap<number, Address>;
  }) {
    this.clientId = options.clientId;
    this.topic = options.topic;
    this.addresses = options.addresses;
  }

  leaderOf(partition: number): number {
    return this.partitions.get(partition)?.leader ?? -1;
  }

  leaderEpochOf(partition: number): number {
    return this.partitions.get(partition)?.leaderEpoch ?? -1;
  }

  /** Counts a failure and asks a broker who leads now; the next attempt may follow when this resolves. */
  async failed(problem: string): Promise<void> {
    this.errors.set(problem, (this.errors.get(problem) ?? 0) + 1);
    await pause(CLIENT_SETTINGS.retryBackoffMs);
    await this.lookAgain();
  }

  /** All who want to know share one question; each question goes to another broker. */
  lookAgain(): Promise<void> {
    this.looking ??= this.look().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async look(): Promise<void> {
    const ids = [...this.addresses.keys()];
    const id = ids[this.asked++ % ids.length] as number;
    try {
      for (const [partition, view] of await this.viewOf(id)) {
        // A broker that is cut off believes in leaders that are long deposed (KIP-320).
        const known = this.partitions.get(partition);
        if (known === undefined || view.leaderEpoch >= known.leaderEpoch) this.partitions.set(partition, view);
      }
    } catch {
      await pause(CLIENT_SETTINGS.retryBackoffMs);
    }
  }

  /** How one broker sees the topic. */
  async viewOf(id: number): Promise<ReadonlyMap<number, PartitionView>> {
    const request = { topics: [{ name: this.topic }], allowAutoTopicCreation: false };
    const { topics } = await this.ask(id, calls.metadataCall, METADATA_VERSION, request, {
      timeoutMs: CLIENT_SETTINGS.metadataTimeoutMs,
    });
    const topic = topics[0];
    if (topic === undefined || topic.errorCode !== ErrorCode.NONE) throw new Error(errorName(topic?.errorCode ?? -1));
    return new Map(
      topic.partitions.map(({ partitionIndex, leaderId, leaderEpoch, replicaNodes, isrNodes }) => [
        partitionIndex,
        { leader: leaderId, leaderEpoch, replicas: replicaNodes, inSync: isrNodes },
      ]),
    );
  }

  /** One request to one broker. A broker that does not answer in time loses the connection, as with every client. */
  async ask<RequestInit, Response>(
    id: number,
    call: Call<RequestInit, Response>,
    version: number,
    body: RequestInit,
    { timeoutMs }: { readonly timeoutMs: number } = { timeoutMs: CLIENT_SETTINGS.requestTimeoutMs },
  ): Promise<Response> {
    const opening = this.connectionTo(id);
    const late = Promise.withResolvers<never>();
    const timer = runtime.clock.after(timeoutMs, () => {
      this.connections.delete(id);
      late.reject(new BrokerError('net.timeout', 'no answer in time'));
      opening.then((connection) => connection.close()).catch(() => {});
    });
    try {
      return await Promise.race([opening.then((connection) => connection.request(call, version, body)), late.promise]);
    } finally {
      timer.cancel();
    }
  }

  private connectionTo(id: number): Promise<KafkaConnection> {
    const known = this.connections.get(id);
    if (known !== undefined) return known;
    const address = this.addresses.get(id);
    if (address === undefined) throw new BrokerError('net.refused', `no broker ${id} is known`);
    const opening = KafkaConnection.open({ runtime, ...address, clientId: this.clientId });
    this.connections.set(id, opening);
    const forget = (): void => {
      if (this.connections.get(id) === opening) this.connections.delete(id);
    };
    opening.then((connection) => connection.onClosed(forget), forget);
    return opening;
  }

  close(): void {
    for (const opening of this.connections.values()) opening.then((connection) => connection.close()).catch(() => {});
    this.connections.clear();
  }
}

/** What a failed request is counted as. */
export function problemOf(error: unknown): string {
  return error instanceof BrokerError ? error.code : String((error as Error).message);
}
