/**
 * The load under which everything breaks: one idempotent producer per partition that waits for all in-sync replicas and
 * tries again until it is acknowledged, and a reader that follows the end of every partition.
 *
 * Record n of a partition says n, and a producer sends the next batch only when the last is acknowledged. So on every
 * partition the record at offset n must say n: a record that is lost, there twice or out of order shows at once.
 */
import {
  batchLastOffset,
  batchSizeBytes,
  buildBatch,
  ErrorCode,
  errorName,
  readRecords,
} from '../../broker/protocol/mod.ts';
import * as calls from '../support/calls.ts';
import { pause } from '../support/real-world.ts';
import { type Address, ChaosClient, problemOf, runtime } from './client.ts';
import { GapMeter } from './gap-meter.ts';

const RECORDS_PER_BATCH = 3;
const RECORD_BYTES = 100;
/** Between two batches of a producer; gaps are measured this exactly. */
const PACE_MS = 8;
const PRODUCE_VERSION = 12;
const FETCH_VERSION = 12;
const FETCH_WAIT_MS = 200;
const FETCH_BYTES = 1024 * 1024;
const PRODUCE_TIMEOUT_MS = 1000;
/** A record whose acknowledgement takes longer counts as a failed request: delivery.timeout.ms of Kafka's producer. */
const DELIVERY_MS_MAX = 120_000;
const DRAIN_MS_MAX = 60_000;

export class Load {
  readonly producer: ChaosClient;
  readonly consumer: ChaosClient;
  readonly meter: GapMeter;
  /** Records acknowledged per partition; as many values, from 0 on, must be there. */
  readonly acknowledged: number[];
  /** Next offset to read per partition. */
  readonly read: number[];
  readonly violations: string[] = [];
  private readonly partitions: number;
  private isStopping = false;
  private readonly running: Promise<void>[] = [];

  constructor(options: {
    readonly topic: string;
    readonly partitions: number;
    readonly addresses: ReadonlyMap<number, Address>;
  }) {
    const { topic, partitions, addresses } = options;
    this.partitions = partitions;
    this.producer = new ChaosClient({ clientId: 'chaos-producer', topic, addresses });
    this.consumer = new ChaosClient({ clientId: 'chaos-consumer', topic, addresses });
    this.meter = new GapMeter(partitions, runtime.clock.monotonicMs());
    this.acknowledged = Array.from({ length: partitions }, () => 0);
    this.read = Array.from({ length: partitions }, () => 0);
    for (let partition = 0; partition < partitions; partition++) this.running.push(this.write(partition));
    for (const id of addresses.keys()) this.running.push(this.readFrom(id));
  }

  get total(): number {
    return this.acknowledged.reduce((sum, count) => sum + count, 0);
  }

  private async write(partition: number): Promise<void> {
    await this.producer.lookAgain();
    const { producerId, producerEpoch } = await this.newProducerId();
    while (!this.isStopping) {
      const first = this.acknowledged[partition] as number;
      const batch = buildBatch({
        records: Array.from({ length: RECORDS_PER_BATCH }, (_, index) => ({
          timestamp: runtime.clock.nowMs(),
          key: null,
          value: Buffer.from(`${first + index}`.padEnd(RECORD_BYTES, '.')),
        })),
        producerId,
        producerEpoch,
        baseSequence: first,
      });
      const startedMs = runtime.clock.monotonicMs();
      while (!(await this.send(partition, batch))) {
        if (runtime.clock.monotonicMs() - startedMs < DELIVERY_MS_MAX) continue;
        this.violations.push(`partition ${partition}: record ${first} could not be delivered`);
        return;
      }
      this.acknowledged[partition] = first + RECORDS_PER_BATCH;
      this.meter.acknowledged(partition, runtime.clock.monotonicMs());
      await pause(PACE_MS);
    }
  }

  private async newProducerId(): Promise<{ producerId: number; producerEpoch: number }> {
    for (;;) {
      for (const id of this.producer.addresses.keys()) {
        try {
          const request = { transactionalId: null, transactionTimeoutMs: 60_000 };
          const answer = await this.producer.ask(id, calls.initProducerIdCall, 5, request);
          if (answer.errorCode === ErrorCode.NONE) return answer;
        } catch {}
        await pause(PACE_MS);
      }
    }
  }

  /** Sends the batch once; false when it has to be sent again. */
  private async send(partition: number, batch: Buffer): Promise<boolean> {
    const { producer } = this;
    const leader = producer.leaderOf(partition);
    if (leader < 0) {
      await producer.failed('no leader');
      return false;
    }
    try {
      const { responses } = await producer.ask(leader, calls.produceCall, PRODUCE_VERSION, {
        transactionalId: null,
        acks: -1,
        timeoutMs: PRODUCE_TIMEOUT_MS,
        topicData: [{ name: producer.topic, partitionData: [{ index: partition, records: Buffer.from(batch) }] }],
      });
      const errorCode = responses[0]?.partitionResponses[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (errorCode === ErrorCode.NONE) return true;
      const error = errorName(errorCode);
      if (!RETRIABLE.has(errorCode))
        this.violations.push(`partition ${partition}: a produce was answered with ${error}`);
      await producer.failed(error);
    } catch (error) {
      await producer.failed(problemOf(error));
    }
    return false;
  }

  /** Reads what the broker leads, on a connection of its own: a fetch that waits holds up what comes after it. */
  private async readFrom(id: number): Promise<void> {
    const { consumer } = this;
    while (!this.isStopping) {
      const led = Array.from({ length: this.partitions }, (_, partition) => partition).filter(
        (partition) => consumer.leaderOf(partition) === id,
      );
      if (led.length === 0) {
        await pause(FETCH_WAIT_MS);
        await consumer.lookAgain();
        continue;
      }
      try {
        const { responses } = await consumer.ask(id, calls.fetchCall, FETCH_VERSION, {
          maxWaitMs: FETCH_WAIT_MS,
          minBytes: 1,
          maxBytes: FETCH_BYTES,
          topics: [
            {
              topic: consumer.topic,
              partitions: led.map((partition) => ({
                partition,
                currentLeaderEpoch: consumer.leaderEpochOf(partition),
                fetchOffset: this.read[partition] as number,
                partitionMaxBytes: FETCH_BYTES,
              })),
            },
          ],
        });
        let problem: string | undefined;
        for (const { partitionIndex, errorCode, highWatermark, records } of responses[0]?.partitions ?? []) {
          if (errorCode !== ErrorCode.NONE) problem = errorName(errorCode);
          else this.take(partitionIndex, highWatermark, records);
          // Its leader may be new and not yet know how far the old one had come; what was read stays below its end.
          if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
            this.violations.push(
              `partition ${partitionIndex}: what was read up to ${this.read[partitionIndex]} is gone`,
            );
          }
        }
        if (problem !== undefined) await consumer.failed(problem);
      } catch (error) {
        await consumer.failed(problemOf(error));
      }
    }
  }

  private take(partition: number, highWatermark: number, records: Buffer | null): void {
    for (const { offset, value } of recordsIn(records)) {
      const expected = this.read[partition] as number;
      if (offset < expected) continue;
      if (offset !== expected || value !== offset) {
        this.violations.push(`partition ${partition}: offset ${offset} says ${value}, expected was ${expected}`);
      }
      if (offset >= highWatermark) this.violations.push(`partition ${partition}: ${offset} was read too early`);
      this.read[partition] = offset + 1;
    }
  }

  /** Lets every producer finish its batch, and the reader everything that was acknowledged. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const late = pause(DRAIN_MS_MAX).then(() => {
      throw new Error('producers or readers did not finish');
    });
    await Promise.race([Promise.all(this.running), late]);
    this.producer.close();
    this.consumer.close();
  }
}

/** What a producer may meet while leaders come and go, and must try again after. */
const RETRIABLE: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.KAFKA_STORAGE_ERROR,
]);

/** The records of a fetched buffer, up to the first batch that did not fit. */
export function* recordsIn(buffer: Buffer | null): Generator<{ readonly offset: number; readonly value: number }> {
  let at = 0;
  while (buffer !== null && buffer.length - at > 12 && buffer.length - at >= batchSizeBytes(buffer, at)) {
    const batch = buffer.subarray(at, at + batchSizeBytes(buffer, at));
    for (const { offset, value } of readRecords(batch)) {
      yield { offset, value: Number.parseInt(value?.toString() ?? '', 10) };
    }
    if (batchLastOffset(batch, 0) < 0) throw new Error('a batch ends before it starts');
    at += batch.length;
  }
}
