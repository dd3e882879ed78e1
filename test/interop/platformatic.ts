/** @platformatic/kafka, a client in TypeScript with stream consumers. */
import { Admin, Consumer, ProduceAcks, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { equal, type Tally } from '../support/tally.ts';
import type { Target } from './target.ts';

export async function platformaticSuite(tally: Tally, target: Target): Promise<void> {
  const common = { clientId: 'interop', bootstrapBrokers: target.bootstrap.split(',') };
  await tally.check('@platformatic/kafka: every codec, acks=all, keys and headers', async () => {
    const admin = new Admin(common);
    await admin.createTopics({ topics: ['plt-records'], partitions: 1, replicas: target.replicationFactor });
    let sent = 0;
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const producer = new Producer({ ...common, serializers: stringSerializers, compression });
      for (let i = 0; i < 50; i++) {
        const messages = [{ topic: 'plt-records', key: `k${i}`, value: `${compression}-${i}`, headers: { a: 'b' } }];
        await producer.send({ messages, acks: ProduceAcks.ALL });
        sent++;
      }
      await producer.close();
    }
    const consumer = new Consumer({ ...common, groupId: 'plt-records', deserializers: stringDeserializers });
    const stream = await consumer.consume({
      topics: ['plt-records'],
      mode: 'earliest',
      autocommit: true,
      sessionTimeout: 10_000,
      heartbeatInterval: 500,
    });
    let received = 0;
    for await (const message of stream) {
      equal(message.headers.get('a'), 'b', 'header');
      received++;
      if (received === sent) break;
    }
    await stream.close();
    await consumer.close(true);
    await admin.deleteTopics({ topics: ['plt-records'] });
    await admin.close();
  });
}
