/**
 * A whole broker under simulation is killed, or loses power, again and again in the middle of what clients do and in
 * the middle of any change of its disk, also while it starts. It always comes back, and what it acknowledged is there:
 * after a kill whatever was acknowledged, after a power loss what was acknowledged from where everything is flushed.
 * Histories roll segments, compact, retry as idempotent producers do, commit offsets, and create topics. Each is drawn
 * from a seed, which a failure prints.
 */
import { expect, test } from 'vitest';
import type { KafkaConnection } from '../broker/protocol/connection/mod.ts';
import { batchSizeBytes, buildBatch, ErrorCode, type RecordInit } from '../broker/protocol/mod.ts';
import * as calls from './support/calls.ts';
import { SimBroker } from './support/sim-broker.ts';

const POINTS = Number(process.env.OTTLA_POWER_LOSSES ?? 120);
const FIRST_SEED = Number(process.env.OTTLA_SEED ?? 1);
const CRASHES_PER_SEED = 5;
const KEYS = 8;
const GROUP = 'group';

interface Topic {
  readonly name: string;
  readonly isFlushed: boolean;
  readonly isCompacted: boolean;
  readonly isIdempotent: boolean;
  /** Values in the order in which they were acknowledged. */
  acknowledged: string[];
  /** The last value of each key that was acknowledged. */
  readonly latest: Map<string, string>;
  producer: { producerId: number; producerEpoch: number; nextSequence: number } | undefined;
  /** An idempotent batch without an answer: it is sent again, and must not be there twice. */
  unanswered: readonly RecordInit[] | undefined;
}

class History {
  private readonly sim: SimBroker;
  private readonly isAllFlushed: boolean;
  private readonly topics: readonly Topic[];
  private readonly created = new Set<string>();
  private valueCount = 0;
  private commitCount = 0;
  private committed = -1;
  private topicCount = 0;
  crashes = 0;
  records = 0;

  constructor(seed: number) {
    // Half of the brokers flush everything, so that offsets and groups must survive a power loss as well.
    this.isAllFlushed = seed % 2 === 0;
    this.sim = new SimBroker(seed, {
      'log.index.interval.bytes': '256',
      'log.cleaner.backoff.ms': '25',
      'log.roll.ms': '20',
      'log.segment.delete.delay.ms': '40',
      'log.flush.offset.checkpoint.interval.ms': '30',
      ...(this.isAllFlushed ? { 'log.flush.interval.messages': '1' } : {}),
    });
    const topic = (name: string, traits: Partial<Topic> = {}): Topic => ({
      name,
      isFlushed: this.isAllFlushed || name !== 'plain',
      isCompacted: false,
      isIdempotent: false,
      acknowledged: [],
      latest: new Map(),
      producer: undefined,
      unanswered: undefined,
      ...traits,
    });
    this.topics = [
      topic('plain'),
      topic('flushed'),
      topic('idempotent', { isIdempotent: true }),
      topic('compacted', { isCompacted: true }),
    ];
  }

  async run(): Promise<void> {
    const { sim } = this;
    await sim.start();
    const first = await sim.connect();
    for (const { name, isFlushed, isCompacted } of this.topics) {
      const configs = {
        ...(isFlushed ? { 'flush.messages': '1' } : {}),
        ...(isCompacted ? { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' } : {}),
      };
      await sim.until(calls.createTopic(first, name, 1, configs));
    }
    for (let round = 0; round < CRASHES_PER_SEED; round++) await this.liveAndDie();
    sim.kill();
    this.records = this.topics.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
  }

  private async liveAndDie(): Promise<void> {
    const { sim } = this;
    const clients: Promise<void>[] = [];
    for (const topic of this.topics) clients.push(this.produce(await sim.connect(), topic));
    clients.push(this.commit(await sim.connect()), this.create(await sim.connect()));
    // In the middle of any change of the disk, or between two turns.
    if (sim.random.chance(0.7)) sim.killAtChange(sim.random.below(400));
    const untilMs = sim.clock.monotonicMs() + 20 + sim.random.below(180);
    while (sim.isRunning && sim.clock.monotonicMs() < untilMs) await sim.clock.advanceAndSettle(5);
    const isPowerLoss = this.crash();
    await sim.clock.advanceAndSettle(10);
    await Promise.all(clients);
    const losesMore = sim.random.chance(0.3) && (await this.dieWhileStarting());
    await sim.start();
    await this.check(isPowerLoss || losesMore);
  }

  private crash(): boolean {
    const isPowerLoss = this.sim.random.chance(0.5);
    if (isPowerLoss) this.sim.powerLoss();
    else this.sim.kill();
    this.crashes += 1;
    return isPowerLoss;
  }

  private async dieWhileStarting(): Promise<boolean> {
    const { sim } = this;
    sim.killAtChange(sim.random.below(60));
    await sim.start().catch(() => {});
    return this.crash();
  }

  private values(topic: Topic): RecordInit[] {
    const { random, clock } = this.sim;
    return Array.from({ length: 1 + random.below(4) }, () => {
      const value = `v${this.valueCount++}`;
      const key = topic.isCompacted ? `k${random.below(KEYS)}` : value;
      const padded = Buffer.from(`${value} `.padEnd(20 + random.below(1500), '.'));
      return { timestamp: clock.nowMs(), key: Buffer.from(key), value: padded };
    });
  }

  /** Sends until the connection dies: what was not answered then may or may not be there. */
  private async produce(connection: KafkaConnection, topic: Topic): Promise<void> {
    try {
      for (;;) {
        const records = topic.unanswered ?? this.values(topic);
        if (topic.isIdempotent) {
          topic.unanswered = records;
          topic.producer ??= { ...(await calls.initProducerId(connection)), nextSequence: 0 };
        }
        const { producer } = topic;
        const sequence = producer === undefined ? {} : { ...producer, baseSequence: producer.nextSequence };
        const { errorCode } = await calls.produce(connection, topic.name, 0, buildBatch({ records, ...sequence }));
        if (errorCode === ErrorCode.NONE) {
          // One that was found after the crash, before it was sent again, is known already.
          const values = records.map(valueText);
          if (topic.acknowledged.at(-1) !== values.at(-1)) topic.acknowledged.push(...values);
          for (const record of records) topic.latest.set(String(record.key), valueText(record));
          topic.unanswered = undefined;
          if (producer !== undefined) producer.nextSequence += records.length;
        } else if (errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) {
          // A power loss took what came before, so this batch is not there either: it goes out under a new id.
          expect(topic.isFlushed, 'a producer is forgotten where everything is flushed').toBe(false);
          topic.producer = undefined;
        }
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'AssertionError') throw error;
    }
  }

  private async commit(connection: KafkaConnection): Promise<void> {
    try {
      for (;;) {
        const offset = this.commitCount++;
        const { errorCode } = await calls.commitOffset(connection, GROUP, 'plain', 0, offset);
        if (errorCode === ErrorCode.NONE) this.committed = offset;
      }
    } catch {}
  }

  private async create(connection: KafkaConnection): Promise<void> {
    try {
      for (let i = 0; i < 3; i++) {
        const name = `created-${this.topicCount++}`;
        await calls.createTopic(connection, name, 1);
        this.created.add(name);
      }
    } catch {}
  }

  private async check(isPowerLoss: boolean): Promise<void> {
    const { sim } = this;
    const connection = await sim.connect();
    for (const topic of this.topics) {
      const records = await sim.until(calls.readAll(connection, topic.name, 0));
      const found = records.map(valueText);
      // What a power loss took from a topic that does not flush is gone; what is left must be in order and once.
      const mustBeThere = topic.isFlushed || !isPowerLoss;
      if (topic.isCompacted) checkLatest(topic, records);
      else checkOrder(topic, found, mustBeThere ? topic.acknowledged : []);
      if (!topic.isCompacted) topic.acknowledged = found;
      const { unanswered } = topic;
      if (unanswered !== undefined && found.includes(valueText(unanswered[0] as RecordInit))) {
        expect(found.slice(-unanswered.length), 'a batch is there whole or not at all').toEqual(
          unanswered.map(valueText),
        );
      }
      await this.checkIndexes(connection, topic, records);
    }
    for (const name of this.created) await sim.until(calls.readAll(connection, name, 0));
    const offset = await this.committedOffset(connection);
    expect(offset, 'a commit that nobody made').toBeLessThan(this.commitCount);
    if (this.isAllFlushed || !isPowerLoss) expect(offset, 'a commit is lost').toBeGreaterThanOrEqual(this.committed);
    this.committed = offset;
    connection.close();
  }

  /** Every offset is found by the index that was rebuilt, or kept. */
  private async checkIndexes(
    connection: KafkaConnection,
    topic: Topic,
    records: readonly { readonly offset: number }[],
  ): Promise<void> {
    for (let i = 0; i < 3 && records.length > 0; i++) {
      const { offset } = this.sim.random.pick(records);
      const { records: bytes } = await this.sim.until(
        calls.fetchOnce(connection, topic.name, 0, offset, { maxBytes: 1 }),
      );
      expect(bytes?.length ?? 0, `offset ${offset} of ${topic.name}`).toBeGreaterThan(0);
      const batch = bytes as Buffer;
      const first = Number(batch.readBigInt64BE(0));
      expect(first + batch.readInt32BE(23), 'the batch that was asked for').toBeGreaterThanOrEqual(offset);
      // Compaction goes on meanwhile: then the next one that is left.
      if (!topic.isCompacted) expect(first).toBeLessThanOrEqual(offset);
      expect(batch.length).toBe(batchSizeBytes(batch, 0));
    }
  }

  private async committedOffset(connection: KafkaConnection): Promise<number> {
    const groups = [{ groupId: GROUP, topics: [{ name: 'plain', partitionIndexes: [0] }] }];
    for (let tries = 0; tries < 100; tries++) {
      const response = await this.sim.until(
        connection.request(calls.offsetFetchCall, 8, { groups, requireStable: false }),
      );
      const group = response.groups[0];
      if (group?.errorCode === ErrorCode.NONE) return group.topics[0]?.partitions[0]?.committedOffset ?? -1;
      await this.sim.until(connection.request(calls.findCoordinatorCall, 4, { keyType: 0, coordinatorKeys: [GROUP] }));
      await this.sim.clock.advanceAndSettle(20);
    }
    throw new Error('the coordinator does not come back');
  }
}

function valueText({ value }: { readonly value: Buffer | null }): string {
  return value?.toString().split(' ')[0] ?? '';
}

function checkOrder(topic: Topic, found: readonly string[], acknowledged: readonly string[]): void {
  expect(new Set(found).size, 'no record is there twice').toBe(found.length);
  let at = 0;
  for (const value of acknowledged) {
    while (at < found.length && found[at] !== value) at++;
    expect(at, `${value} of ${topic.name} was acknowledged, and is missing or out of order`).toBeLessThan(found.length);
  }
}

/** Values are numbered as they are sent: of every key the last that was acknowledged is there, or a later one. */
function checkLatest(topic: Topic, records: readonly { readonly key: Buffer | null; readonly value: Buffer | null }[]) {
  const numberOf = (value: string | undefined): number => Number(value?.slice(1) ?? -1);
  const numbers = records.map((record) => numberOf(valueText(record)));
  expect(numbers, 'in the order in which they were sent').toEqual([...numbers].sort((left, right) => left - right));
  const found = new Map(records.map((record) => [String(record.key), numberOf(valueText(record))]));
  for (const [key, value] of topic.latest) {
    expect(found.get(key) ?? -1, `${value} of key ${key} was acknowledged`).toBeGreaterThanOrEqual(numberOf(value));
  }
}

test(`${POINTS} crash points: the broker comes back with what it acknowledged`, { timeout: 7_200_000 }, async () => {
  let crashes = 0;
  let records = 0;
  for (let seed = FIRST_SEED; crashes < POINTS; seed++) {
    const history = new History(seed);
    try {
      await history.run();
    } catch (error) {
      throw new Error(`seed ${seed} (replay: OTTLA_SEED=${seed} OTTLA_POWER_LOSSES=1)`, { cause: error });
    }
    crashes += history.crashes;
    records += history.records;
  }
  expect(records).toBeGreaterThan(POINTS);
});
