/** A data folder goes from a real Kafka to a broker of ours and back: records, offsets and producers go along. */
import { join } from 'node:path';
import { KafkaConnection } from '../../broker/protocol/connection/mod.ts';
import { buildBatch, ErrorCode, type RecordInit } from '../../broker/protocol/mod.ts';
import { silentLogger } from '../../broker/std/mod.ts';
import { nodeRuntime } from '../../broker/std/node-runtime.ts';
import { BrokerProcess } from '../support/broker-process.ts';
import * as calls from '../support/calls.ts';
import { startKafka } from '../support/kafka-process.ts';
import { ensure, equal, type Tally } from '../support/tally.ts';

const runtime = nodeRuntime(silentLogger);
const BATCHES = 40;
const RECORDS_PER_BATCH = 50;
/** Large enough for a topic of 1 MiB segments to have several. */
const VALUE_BYTES = 2000;

function recordsOf(batch: number): RecordInit[] {
  return Array.from({ length: RECORDS_PER_BATCH }, (_, i) => ({
    timestamp: Date.now(),
    key: Buffer.from(`key-${(batch * RECORDS_PER_BATCH + i) % 100}`),
    value: Buffer.from(`${batch}/${i} `.padEnd(VALUE_BYTES, '.')),
  }));
}

const open = (port: number): Promise<KafkaConnection> =>
  KafkaConnection.open({ runtime, host: '127.0.0.1', port, clientId: 'folder' });

async function fill(client: KafkaConnection, topic: string, from: number, until: number): Promise<void> {
  for (let batch = from; batch < until; batch++) {
    const records = buildBatch({ records: recordsOf(batch), compression: batch % 5 });
    const { errorCode } = await calls.produce(client, topic, batch % 2, records);
    equal(errorCode, ErrorCode.NONE, `produce to ${topic}`);
  }
}

/** Kafka refuses the first producer until its controller has given the broker a block of producer ids. */
async function patiently<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The values of both partitions, in the order of their offsets. */
async function contents(client: KafkaConnection, topic: string): Promise<string[]> {
  const partitions = [await calls.readAll(client, topic, 0), await calls.readAll(client, topic, 1)];
  return partitions.flat().map(({ offset, value }) => `${offset} ${value?.toString().trimEnd()}`);
}

export async function kafkaFolderSuite(tally: Tally): Promise<void> {
  const kafka = await startKafka(['offsets.topic.num.partitions=3']);
  if (kafka === undefined) return tally.skip('a data folder of Kafka', 'a real Kafka cannot be had here');
  const title = 'a data folder goes from Kafka to Ottla and back, with records, offsets and producers';
  try {
    await tally.check(title, async () => {
      let client = await open(kafka.port);
      await calls.createTopic(client, 'travels', 2, { 'segment.bytes': '1048576' });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await fill(client, 'travels', 0, BATCHES);
      const { producerId, producerEpoch } = await patiently(() => calls.initProducerId(client));
      const sequenced = buildBatch({ records: recordsOf(BATCHES), producerId, producerEpoch, baseSequence: 0 });
      const first = await calls.produce(client, 'travels', 0, Buffer.from(sequenced));
      await calls.awaitCoordinator(client, 'travellers');
      await calls.fetchOffset(client, 'travellers', 'travels', 0);
      equal((await calls.commitOffset(client, 'travellers', 'travels', 0, 77)).errorCode, ErrorCode.NONE, 'commit');
      const before = await contents(client, 'travels');
      ensure(before.length === (BATCHES + 1) * RECORDS_PER_BATCH, `Kafka holds ${before.length} records`);
      client.close();
      await kafka.halt();

      const ottla = await BrokerProcess.start({ folder: join(kafka.folder, '1'), overrides: { 'node.id': '1' } });
      try {
        client = await open(ottla.port);
        equal(await contents(client, 'travels'), before, 'what Ottla reads');
        equal(await calls.fetchOffset(client, 'travellers', 'travels', 0), 77, 'the committed offset');
        const again = await calls.produce(client, 'travels', 0, Buffer.from(sequenced));
        equal([again.errorCode, again.baseOffset], [ErrorCode.NONE, first.baseOffset], 'the duplicate');
        await fill(client, 'travels', BATCHES + 1, 2 * BATCHES);
        equal((await calls.commitOffset(client, 'travellers', 'travels', 0, 99)).errorCode, ErrorCode.NONE, 'commit');
      } finally {
        await ottla.close();
      }

      await kafka.resume();
      const after = await open(kafka.port);
      const back = await contents(after, 'travels');
      equal(back.length, 2 * BATCHES * RECORDS_PER_BATCH, 'records when Kafka has it back');
      await calls.awaitCoordinator(after, 'travellers');
      equal(await calls.fetchOffset(after, 'travellers', 'travels', 0), 99, 'the offset committed meanwhile');
      after.close();
    });
  } finally {
    await kafka.stop();
  }
}
