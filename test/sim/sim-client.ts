/**
 * A client's view of a simulated cluster: it learns who leads from any broker, asks that one, and looks again when the
 * answer says so or does not come. Small on purpose: what it shows is the brokers' behaviour, not its own.
 */
import { type Call, KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { ErrorCode } from '../../broker/protocol/mod.ts';
import type { Clock, Network } from '../../broker/std/mod.ts';
import * as calls from '../support/calls.ts';

const METADATA_VERSION = 12;

export interface TopicView {
  readonly topicId: string;
  readonly partitions: ReadonlyMap<number, { readonly leader: number; readonly leaderEpoch: number }>;
}

export interface Leader {
  readonly port: number;
  readonly leaderEpoch: number;
}

export class SimClient {
  readonly name: string;
  readonly clock: Clock;
  private readonly network: Network;
  private readonly ports: readonly number[];
  private readonly connections = new Map<number, KafkaConnection>();
  private readonly topics = new Map<string, TopicView>();
  private readonly newestEpochs = new Map<string, number>();
  private nextPort = 0;

  constructor(options: {
    readonly name: string;
    readonly clock: Clock;
    readonly network: Network;
    readonly ports: readonly number[];
  }) {
    this.name = options.name;
    this.clock = options.clock;
    this.network = options.network;
    this.ports = options.ports;
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  /** One request to one broker, by its client port. Throws when there is no answer within the time. */
  async ask<RequestInit, Response>(
    port: number,
    call: Call<RequestInit, Response>,
    version: number,
    body: RequestInit,
    timeoutMs = 3000,
  ): Promise<Response> {
    let connection = this.connections.get(port);
    if (connection === undefined || !connection.isOpen) {
      connection = await KafkaConnection.open({
        runtime: { network: this.network },
        host: '127.0.0.1',
        port,
        clientId: this.name,
      });
      this.connections.set(port, connection);
    }
    const answered = connection.request(call, version, body);
    let expire = (_: Error): void => {};
    const expired = new Promise<never>((_, reject) => {
      expire = reject;
    });
    const timer = this.clock.after(timeoutMs, () => {
      expire(new Error('timed out'));
      connection.close();
    });
    answered.catch(() => {});
    try {
      return await Promise.race([answered, expired]);
    } finally {
      timer.cancel();
    }
  }

  /** Some broker, another one each time. */
  anyPort(): number {
    const port = this.ports[this.nextPort % this.ports.length] as number;
    this.nextPort += 1;
    return port;
  }

  /**
   * Who leads, as some broker says; undefined when nobody leads, none could be asked, or what the broker says is older
   * than what another one said before: a broker that is cut off believes in leaders that are long deposed (KIP-320).
   */
  async leaderOf(topic: string, partition: number): Promise<Leader | undefined> {
    const known = this.topics.get(topic)?.partitions.get(partition);
    if (known !== undefined && known.leader > 0) return this.toLeader(known);
    try {
      const response = await this.ask(this.anyPort(), calls.metadataCall, METADATA_VERSION, {
        topics: [{ name: topic }],
        allowAutoTopicCreation: false,
      });
      const [found] = response.topics;
      if (found === undefined || found.errorCode !== ErrorCode.NONE) return undefined;
      const partitions = new Map(
        found.partitions.map(({ partitionIndex, leaderId, leaderEpoch }) => [
          partitionIndex,
          { leader: leaderId, leaderEpoch },
        ]),
      );
      const told = partitions.get(partition);
      const newest = this.newestEpochs.get(`${topic}-${partition}`) ?? -1;
      if (told === undefined || told.leaderEpoch < newest) return undefined;
      this.newestEpochs.set(`${topic}-${partition}`, told.leaderEpoch);
      this.topics.set(topic, { topicId: found.topicId, partitions });
      return told.leader > 0 ? this.toLeader(told) : undefined;
    } catch {
      return undefined;
    }
  }

  private toLeader({ leader, leaderEpoch }: { leader: number; leaderEpoch: number }): Leader {
    return { port: this.ports[leader - 1] as number, leaderEpoch };
  }

  /** The next request asks again who leads. */
  forgetLeaders(topic: string): void {
    this.topics.delete(topic);
  }

  close(): void {
    for (const connection of this.connections.values()) connection.close();
  }
}
