/**
 * The load of the chaos suite as a pod: it bootstraps from a Service as any client does, writes a line about every
 * second of its life, and on SIGUSR2 stops, reads everything back and says what is wrong. It stays until it is deleted,
 * and its lines are in a file, because the logs of a pod may be rotated or collected while it lives.
 */
import { appendFileSync } from 'node:fs';
import { Kafka, logLevel } from 'kafkajs';
import { BrokerGroup, NODE_IDS, PARTITIONS, TOPIC } from '../chaos/broker-group.ts';
import { checkRecords } from '../chaos/checker.ts';
import { type Address, runtime } from '../chaos/client.ts';
import { Load } from '../chaos/load.ts';
import { pause } from '../support/real-world.ts';
import type { FinalLine, HelloLine, LoadLine } from './load-report.ts';

const LINE_EVERY_MS = 1000;
const HELLO_TOPIC = 'hello';
const HELLO_RECORDS = 100;
const HELLO_MS_MAX = 30_000;
const BROKERS_MS_MAX = 30_000;

const bootstrap = process.env.BOOTSTRAP ?? 'ottla:9092';
const file = process.env.LINES_FILE ?? 'load.lines';
const say = (line: LoadLine | FinalLine | HelloLine): void => appendFileSync(file, `${JSON.stringify(line)}\n`);

const asked = Promise.withResolvers<void>();
process.once('SIGUSR2', () => asked.resolve());

const kafka = new Kafka({ clientId: 'hello', brokers: [bootstrap], logLevel: logLevel.ERROR, retry: { retries: 20 } });
const addresses = await findBrokers();
const group = new BrokerGroup(addresses);
await group.createTopic();
await group.settled();
say({ hello: await sayHello() });
const load = new Load({ topic: TOPIC, partitions: PARTITIONS, addresses });
let isDone = false;
const reporting = report();
await asked.promise;
isDone = true;
await reporting;
await load.stop();
const wrong = [...load.violations];
await group.settled();
await checkRecords(addresses, load.acknowledged, wrong);
say({ acknowledged: load.total, wrong, isFinal: true });
group.close();
process.once('SIGTERM', () => process.exit(0));
setInterval(() => {}, LINE_EVERY_MS);

/** What the bootstrap address says of the brokers, once all are there. */
async function findBrokers(): Promise<ReadonlyMap<number, Address>> {
  const admin = kafka.admin();
  await admin.connect();
  for (let waitedMs = 0; waitedMs < BROKERS_MS_MAX; waitedMs += LINE_EVERY_MS) {
    const { brokers } = await admin.describeCluster();
    if (brokers.length === NODE_IDS.length) {
      await admin.disconnect();
      return new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    }
    await pause(LINE_EVERY_MS);
  }
  throw new Error('the brokers did not all come');
}

/** A client of others, with a consumer group: how many of its records came back. */
async function sayHello(): Promise<number> {
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: HELLO_RECORDS }, (_, index) => ({ value: `hello ${index}` }));
  await producer.send({ topic: HELLO_TOPIC, acks: -1, messages });
  await producer.disconnect();
  const consumer = kafka.consumer({ groupId: 'hello' });
  await consumer.connect();
  await consumer.subscribe({ topic: HELLO_TOPIC, fromBeginning: true });
  const found = new Set<string>();
  const all = Promise.withResolvers<void>();
  await consumer.run({
    eachMessage: async ({ message }) => {
      found.add(String(message.value));
      if (found.size === HELLO_RECORDS) all.resolve();
    },
  });
  await Promise.race([all.promise, pause(HELLO_MS_MAX)]);
  await consumer.disconnect();
  return found.size;
}

async function report(): Promise<void> {
  while (!isDone) {
    await pause(LINE_EVERY_MS);
    say({
      atMs: runtime.clock.nowMs(),
      acknowledged: load.total,
      pauseMs: Math.round(load.meter.worst(runtime.clock.monotonicMs())),
      inSync: await group.fewestInSync(),
      violations: load.violations.length,
      errors: Object.fromEntries(load.producer.errors),
    });
    load.meter.reset();
  }
}
