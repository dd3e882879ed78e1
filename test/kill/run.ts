/**
 * kill -9 in the middle of writes, rolls, compaction and offset commits: `npm run kill -- [--rounds N]`.
 *
 * Each round produces to a broker process, kills it at a random moment, starts it again on the same folder and reads
 * everything: each acknowledged record must be there, in order, once. The producer is idempotent and retries across the
 * kill, so a record may also be there that was never acknowledged, but none twice.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { buildBatch, ErrorCode, errorName } from '../../broker/protocol/mod.ts';
import { silentLogger } from '../../broker/std/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import * as calls from '../support/calls.ts';
import { Tally } from '../support/tally.ts';

const runtime = nodeRuntime(silentLogger);
const PARTITIONS = 3;
const ACKNOWLEDGED_PER_ROUND = 1000;
const RECORDS_PER_BATCH = 5;
const TOPIC = 'kill';
const COMPACTED = 'kill-compacted';
const GROUP = 'kill-group';

interface Writer {
  readonly partition: number;
  producerId: number;
  producerEpoch: number;
  sequence: number;
  /** Values in the order they were acknowledged. */
  readonly acknowledged: string[];
  /** The batch that is being sent, sent again after a restart until it is acknowledged. */
  pending: { readonly values: string[]; readonly batch: Buffer } | undefined;
  next: number;
}

function argument(name: string, fallback: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

async function open(broker: BrokerProcess): Promise<KafkaConnection> {
  return KafkaConnection.open({ runtime, host: '127.0.0.1', port: broker.port, clientId: 'kill' });
}

function nextBatch(writer: Writer): { values: string[]; batch: Buffer } {
  const values = Array.from({ length: RECORDS_PER_BATCH }, () => `${writer.partition}-${writer.next++}`);
  const batch = buildBatch({
    records: values.map((value) => ({
      timestamp: runtime.clock.nowMs(),
      key: Buffer.from(`k${value}`),
      value: Buffer.from(value.padEnd(200, '.')),
    })),
    producerId: writer.producerId,
    producerEpoch: writer.producerEpoch,
    baseSequence: writer.sequence,
  });
  writer.sequence += RECORDS_PER_BATCH;
  return { values, batch };
}

/** Sends batches until the connection dies; what was sent and not answered stays pending. */
async function write(connection: KafkaConnection, writer: Writer, isStopping: () => boolean): Promise<void> {
  while (!isStopping()) {
    writer.pending ??= nextBatch(writer);
    const { errorCode } = await calls.produce(connection, TOPIC, writer.partition, Buffer.from(writer.pending.batch));
    if (errorCode === ErrorCode.NONE) {
      writer.acknowledged.push(...writer.pending.values);
      writer.pending = undefined;
    } else if (errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER && errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
      throw new Error(`produce answered ${errorName(errorCode)}`);
    }
  }
}

function checkPartition(writer: Writer, found: readonly string[]): void {
  const seen = new Set<string>();
  for (const value of found) {
    if (seen.has(value)) throw new Error(`${value} is there twice`);
    seen.add(value);
  }
  let at = 0;
  for (const value of writer.acknowledged) {
    while (at < found.length && found[at] !== value) at++;
    if (at === found.length) throw new Error(`${value} was acknowledged and is missing or out of order`);
  }
}

const rounds = argument('--rounds', 200);
const folder = mkdtempSync(join(tmpdir(), 'ottla-kill-'));
const tally = new Tally();
const broker = await BrokerProcess.start({
  folder,
  overrides: {
    'log.segment.bytes': '1048576',
    'log.cleaner.backoff.ms': '50',
    'offsets.topic.num.partitions': '5',
    'log.flush.offset.checkpoint.interval.ms': '200',
  },
});
try {
  let connection = await open(broker);
  await calls.createTopic(connection, TOPIC, PARTITIONS);
  await calls.createTopic(connection, COMPACTED, 1, {
    'cleanup.policy': 'compact',
    'segment.ms': '100',
    'min.cleanable.dirty.ratio': '0.01',
  });
  const writers: Writer[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { producerId, producerEpoch } = await calls.initProducerId(connection);
    writers.push({ partition, producerId, producerEpoch, sequence: 0, acknowledged: [], pending: undefined, next: 0 });
  }
  let committed = -1;
  const compacted = new Map<string, string>();
  let total = 0;

  for (let round = 1; round <= rounds; round++) {
    await tally.check(`round ${round}: nothing acknowledged is lost by kill -9`, async () => {
      const before = writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0);
      let isStopping = false;
      const isDone = (): boolean => isStopping;
      const side = await open(broker);
      const committing = (async () => {
        for (let offset = committed + 1; !isStopping; offset++) {
          const { errorCode } = await calls.commitOffset(side, GROUP, TOPIC, 0, offset);
          if (errorCode === ErrorCode.NONE) committed = offset;
        }
      })();
      const compacting = (async () => {
        for (let i = 0; !isStopping; i++) {
          const key = `key-${i % 50}`;
          const value = `${round}-${i}`;
          const batch = buildBatch({
            records: [{ timestamp: runtime.clock.nowMs(), key: Buffer.from(key), value: Buffer.from(value) }],
          });
          const { errorCode } = await calls.produce(side, COMPACTED, 0, batch);
          if (errorCode === ErrorCode.NONE) compacted.set(key, value);
          else compacted.delete(key);
        }
      })();
      // Taken care of from the start: the kill makes them all reject.
      const everything = Promise.allSettled([
        committing,
        compacting,
        ...writers.map((writer) => write(connection, writer, isDone)),
      ]);
      const acknowledged = (): number => writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0) - before;
      while (acknowledged() < ACKNOWLEDGED_PER_ROUND) await new Promise((resolve) => setTimeout(resolve, 2));
      await new Promise((resolve) => setTimeout(resolve, runtime.random.uint32() % 40));
      await broker.signal('SIGKILL');
      isStopping = true;
      await everything;

      await broker.run();
      connection = await open(broker);
      for (const writer of writers) {
        const found = await calls.readAll(connection, TOPIC, writer.partition);
        checkPartition(
          writer,
          found.map(({ value }) => value?.toString().replace(/\.+$/, '') ?? ''),
        );
      }
      const latest = new Map<string, string>();
      for (const { key, value } of await calls.readAll(connection, COMPACTED, 0)) {
        latest.set(key?.toString() ?? '', value?.toString() ?? '');
      }
      for (const [key, value] of compacted) {
        const [foundRound, foundIndex] = (latest.get(key) ?? '0-0').split('-').map(Number) as [number, number];
        const [wantRound, wantIndex] = value.split('-').map(Number) as [number, number];
        const isOlder = foundRound < wantRound || (foundRound === wantRound && foundIndex < wantIndex);
        if (isOlder) throw new Error(`${key} is ${latest.get(key)}, but ${value} was acknowledged`);
      }
      const offset = await calls.fetchOffset(connection, GROUP, TOPIC, 0);
      if (offset < committed) throw new Error(`offset ${committed} was committed, ${offset} is there`);
      committed = Math.max(committed, offset);
      total = writers.reduce((sum, writer) => sum + writer.acknowledged.length, 0);
    });
    if (tally.failed > 0) break;
  }
  process.stdout.write(`${total} records acknowledged over ${rounds} kills\n`);
} finally {
  await broker.close().catch(() => {});
  if (tally.failed === 0) rmSync(folder, { recursive: true, force: true });
  else process.stdout.write(`the folder is kept: ${folder}\n${broker.output}\n`);
}
tally.finish();
// The client's sockets to a killed broker are gone, but its timers must not keep the process.
process.exit();
