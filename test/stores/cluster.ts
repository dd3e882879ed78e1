/**
 * Three broker processes that agree through one store: they form a cluster, lose one of them by kill -9, then another
 * is restarted, and a client that waits for all in-sync replicas goes on throughout.
 */
import { Kafka, logLevel } from 'kafkajs';
import { expect } from 'vitest';
import { BrokerProcess } from '../support/broker-process.ts';
import { pause } from '../support/real-world.ts';

const TOPIC = 'agreed';
const PROGRESS_MS_MAX = 20_000;
const POLL_MS = 100;

export async function checkCluster(name: string, overrides: Readonly<Record<string, string>>): Promise<void> {
  const brokers: BrokerProcess[] = [];
  try {
    for (const nodeId of [1, 2, 3]) {
      const own = { 'node.id': String(nodeId), 'min.insync.replicas': '2', ...overrides };
      brokers.push(await BrokerProcess.start({ overrides: own }));
    }
    const kafka = new Kafka({
      clientId: 'stores',
      brokers: brokers.map(({ bootstrap }) => bootstrap),
      logLevel: logLevel.NOTHING,
      retry: { retries: 30, initialRetryTime: 50, maxRetryTime: 500 },
    });
    const admin = kafka.admin();
    await admin.connect();
    await poll('the brokers did not find each other', async () => (await admin.describeCluster()).brokers.length === 3);
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 6, replicationFactor: 3 }] });
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const sent: string[] = [];
    const send = async (): Promise<number> => {
      const startMs = performance.now();
      for (let partition = 0; partition < 6; partition++) {
        const value = `message ${sent.length}`;
        await producer.send({ topic: TOPIC, acks: -1, messages: [{ value, partition }] });
        sent.push(value);
      }
      return performance.now() - startMs;
    };
    const quietMs = await send();
    await brokers[0]?.signal('SIGKILL');
    const killMs = await send();
    await brokers[0]?.run();
    // Back in the in-sync sets before the next one goes, else two of three are too few.
    await poll('the restarted broker did not come back in sync', async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
      return topics.every(({ partitions }) => partitions.every(({ isr }) => isr.length === 3));
    });
    await brokers[1]?.signal('SIGTERM');
    const stopMs = await send();
    process.stdout.write(
      `${name}: six writes take ${Math.round(quietMs)} ms, ${Math.round(killMs)} ms across a kill, ` +
        `${Math.round(stopMs)} ms after a stop\n`,
    );
    await producer.disconnect();
    await brokers[1]?.run();
    expect(await consumeAll(kafka, sent.length)).toEqual([...sent].sort());
    await admin.disconnect();
  } finally {
    await Promise.all(brokers.map((broker) => broker.close()));
  }
}

/** Asks until it is so. A broker that was asked may be the one that just went: that is no answer. */
async function poll(problem: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; waitedMs < PROGRESS_MS_MAX; waitedMs += POLL_MS) {
    if (await isSo().catch(() => false)) return;
    await pause(POLL_MS);
  }
  throw new Error(problem);
}

async function consumeAll(kafka: Kafka, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: 'stores' });
  const found: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  const all = Promise.withResolvers<void>();
  await consumer.run({
    eachMessage: async ({ message }) => {
      found.push(String(message.value));
      if (found.length >= count) all.resolve();
    },
  });
  await Promise.race([all.promise, pause(PROGRESS_MS_MAX)]);
  await consumer.disconnect();
  return found.sort();
}
