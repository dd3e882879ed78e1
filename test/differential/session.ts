/** One scenario on one broker: what it sends, and what came back, in order. */
import { KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { buildBatch, ErrorCode, errorName, type RecordInit, type Writer } from '../../broker/protocol/mod.ts';
import type { Runtime } from '../../broker/std/mod.ts';
import { type AnyResponse, type Body, filled, untypedCall } from './untyped-call.ts';

const ANSWER_TIMEOUT_MS = 10_000;
const SETTLE_MS = 400;
const RETRY_MS = 50;
const RETRIES = 400;

/** A moment that both brokers are told, so that stored bytes can be compared. */
export const SOME_TIME = 1_790_000_000_000;

export interface Target {
  readonly title: 'Kafka' | 'Ottla';
  readonly port: number;
  readonly runtime: Runtime;
  /** The versions of each API that both brokers serve, by API name. */
  readonly versions: ReadonlyMap<string, { readonly min: number; readonly max: number }>;
}

/** What came back for a request under test: a response, or how it was refused. */
export type Answer = { readonly api: string; readonly version: number; readonly response: AnyResponse };

export interface Scenario {
  /** The API whose lowest and highest common versions are sent. */
  readonly api: string;
  readonly title: string;
  /** The versions in which the case can be expressed; default all. */
  readonly from?: number;
  readonly to?: number;
  readonly run: (session: Session) => Promise<void>;
}

export class Session {
  readonly target: Target;
  readonly api: string;
  readonly version: number;
  readonly answers: Answer[];
  /** Random values of a broker by the name under which the comparison shows them. */
  readonly labels: Map<string, string>;
  private readonly prefix: string;
  private connection: KafkaConnection | undefined;
  private readonly others: Session[] = [];

  constructor(options: {
    target: Target;
    api: string;
    version: number;
    prefix: string;
    answers?: Answer[];
    labels?: Map<string, string>;
  }) {
    this.target = options.target;
    this.api = options.api;
    this.version = options.version;
    this.prefix = options.prefix;
    this.answers = options.answers ?? [];
    this.labels = options.labels ?? new Map();
  }

  /** A name of a topic or group that no other scenario uses, the same on both brokers. */
  name(label: string): string {
    return `${this.prefix}-${label}`;
  }

  /** Shows a random value under a name, so that the comparison sees where it comes back. */
  label<Value extends string | number>(value: Value, name: string): Value {
    this.labels.set(String(value), `<${name}>`);
    return value;
  }

  /** A second client of the same scenario, on a connection of its own. */
  another(): Session {
    const { target, api, version, prefix, answers, labels } = this;
    const other = new Session({ target, api, version, prefix, answers, labels });
    this.others.push(other);
    return other;
  }

  /** Sends the API under test in the version under test and keeps the answer for the comparison. */
  async ask(body: Body): Promise<AnyResponse> {
    return this.keep(this.api, this.version, body);
  }

  /** Another API whose answer shows what the first one did; highest common version unless said otherwise. */
  async observe(api: string, body: Body, version?: number): Promise<AnyResponse> {
    await this.settle();
    return this.keep(api, version ?? this.newest(api), body);
  }

  /** Until Kafka's broker has heard what its controller decided. */
  settle(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }

  /** Sets the scene; its answer is not compared. */
  async prepare(api: string, body: Body, version?: number): Promise<AnyResponse> {
    return this.send(api, version ?? this.newest(api), body);
  }

  /** Sends and does not wait: for requests that are answered only when something else happens. */
  private async keep(api: string, version: number, body: Body): Promise<AnyResponse> {
    const slot = this.answers.length;
    this.answers.push({ api, version, response: 'nothing yet' });
    const response = await this.send(api, version, body).catch((error: Error) => `refused: ${error.message}`);
    this.answers[slot] = { api, version, response };
    return response;
  }

  private async send(api: string, version: number, body: Body): Promise<AnyResponse> {
    const { api: description, call } = await untypedCall(api);
    const whole = filled(description.request.fields, body, api);
    const connection = await this.connect();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer')), ANSWER_TIMEOUT_MS);
    });
    try {
      return await Promise.race([connection.request(call, version, whole), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends bytes after a header of that version; resolves when the broker closed the connection. */
  async sendRaw(api: string, version: number, body: Buffer): Promise<void> {
    const { api: description } = await untypedCall(api);
    const slot = this.answers.length;
    this.answers.push({ api, version, response: 'nothing yet' });
    const raw = {
      key: description.key,
      write: (writer: Writer) => writer.writeRaw(body),
      read: () => 'an answer',
    };
    const connection = await this.connect();
    const response = await connection.request(raw, version, {}).catch((error: Error) => `refused: ${error.message}`);
    this.answers[slot] = { api, version, response };
    this.connection = undefined;
  }

  private async connect(): Promise<KafkaConnection> {
    if (this.connection === undefined || !this.connection.isOpen) {
      const { runtime, port } = this.target;
      this.connection = await KafkaConnection.open({ runtime, host: '127.0.0.1', port, clientId: 'differential' });
    }
    return this.connection;
  }

  private newest(api: string): number {
    const versions = this.target.versions.get(api);
    if (versions === undefined) throw new Error(`${api} is not served by both`);
    return versions.max;
  }

  close(): void {
    this.connection?.close();
    for (const other of this.others) other.close();
  }

  // What most scenarios begin with.

  /** A topic that can be written at once; returns its id. */
  async topic(
    label: string,
    options: { partitions?: number; configs?: Readonly<Record<string, string>> } = {},
  ): Promise<string> {
    const name = this.name(label);
    const created = await this.prepare('CreateTopics', {
      timeoutMs: 10_000,
      topics: [
        {
          name,
          numPartitions: options.partitions ?? 1,
          replicationFactor: 1,
          configs: Object.entries(options.configs ?? {}).map(([key, value]) => ({ name: key, value })),
        },
      ],
    });
    if (created.topics[0].errorCode !== 0) throw new Error(`${name}: ${errorName(created.topics[0].errorCode)}`);
    const id = this.label(created.topics[0].topicId as string, `id of ${label}`);
    // Kafka answers before its own cache has heard of the topic, and before the partition's log is open.
    await this.until(
      'ListOffsets',
      () => ({
        replicaId: -1,
        topics: [
          {
            name,
            partitions: Array.from({ length: options.partitions ?? 1 }, (_, partitionIndex) => ({
              partitionIndex,
              currentLeaderEpoch: -1,
              timestamp: -1,
            })),
          },
        ],
      }),
      (response) => response.topics[0].partitions.every((partition: AnyResponse) => partition.errorCode === 0),
    );
    return id;
  }

  /** Repeats a request until its answer is as wanted. */
  async until(api: string, body: () => Body, isDone: (response: AnyResponse) => boolean): Promise<AnyResponse> {
    for (let tries = 0; tries < RETRIES; tries++) {
      const response = await this.prepare(api, body());
      if (isDone(response)) return response;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    throw new Error(`${api} never answered as ${this.api} needs it`);
  }

  /** Appends records with fixed timestamps; throws when that fails. */
  async produce(label: string, records: readonly RecordInit[], partition = 0): Promise<void> {
    const answer = await this.prepare(
      'Produce',
      {
        acks: -1,
        timeoutMs: 10_000,
        transactionalId: null,
        topicData: [
          { name: this.name(label), partitionData: [{ index: partition, records: buildBatch({ records }) }] },
        ],
      },
      12,
    );
    const { errorCode } = answer.responses[0].partitionResponses[0];
    if (errorCode !== ErrorCode.NONE) throw new Error(`produce to ${label}: ${errorName(errorCode)}`);
  }

  /** A group whose coordinator is there. */
  async group(label: string): Promise<string> {
    const groupId = this.name(label);
    await this.until(
      'FindCoordinator',
      () => ({ keyType: 0, coordinatorKeys: [groupId] }),
      (response) => response.coordinators[0].errorCode === 0,
    );
    await this.until(
      'OffsetFetch',
      () => ({ groups: [{ groupId, topics: null }] }),
      (response) => response.groups[0].errorCode === 0,
    );
    return groupId;
  }

  /** Joins as the only member and takes the assignment; returns what later requests need. */
  async member(
    groupId: string,
    options: { instanceId?: string; protocolType?: string; metadata?: Buffer; label?: string } = {},
  ): Promise<{ memberId: string; generationId: number }> {
    const join = {
      groupId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      groupInstanceId: options.instanceId ?? null,
      protocolType: options.protocolType ?? 'consumer',
      protocols: [{ name: 'range', metadata: options.metadata ?? subscription([]) }],
    };
    const label = options.label ?? 'member';
    let joined = await this.prepare('JoinGroup', { ...join, memberId: '' });
    if (joined.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      joined = await this.prepare('JoinGroup', { ...join, memberId: joined.memberId });
    }
    if (joined.errorCode !== 0) throw new Error(`join ${groupId}: ${errorName(joined.errorCode)}`);
    const { generationId } = joined;
    const memberId = this.label(joined.memberId as string, label);
    const synced = await this.prepare('SyncGroup', {
      groupId,
      memberId,
      generationId,
      groupInstanceId: options.instanceId ?? null,
      protocolType: join.protocolType,
      protocolName: 'range',
      assignments: [{ memberId, assignment: Buffer.from('assignment') }],
    });
    if (synced.errorCode !== 0) throw new Error(`sync ${groupId}: ${errorName(synced.errorCode)}`);
    return { memberId, generationId };
  }
}

/** `count` records with distinct keys and values. */
export function someRecords(count: number, options: { key?: string | null; timestamp?: number } = {}): RecordInit[] {
  return Array.from({ length: count }, (_, i) => ({
    timestamp: (options.timestamp ?? SOME_TIME) + i,
    key: options.key === null ? null : Buffer.from(options.key ?? `key-${i}`),
    value: Buffer.from(`value-${i}`),
    headers: [{ key: 'h', value: Buffer.from(`${i}`) }],
  }));
}

/**
 * A consumer's subscription as its protocol has it. A real one is needed: with bytes that are none, Kafka never answers
 * the join.
 */
export function subscription(topics: readonly string[]): Buffer {
  const parts = [Buffer.from([0, 0, 0, 0, 0, topics.length])];
  for (const topic of topics) {
    const length = Buffer.alloc(2);
    length.writeInt16BE(topic.length);
    parts.push(length, Buffer.from(topic));
  }
  return Buffer.concat([...parts, Buffer.from([255, 255, 255, 255])]);
}
