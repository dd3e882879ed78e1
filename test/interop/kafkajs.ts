/** KafkaJS: produce and consume, groups that rebalance under load, admin operations. */
import kafkajs from 'kafkajs';
import { ensure, equal, type Tally } from '../support/tally.ts';
import type { Target } from './target.ts';

const { CompressionTypes, Kafka, logLevel } = kafkajs;

const until = async (condition: () => boolean, what: string): Promise<void> => {
  const deadline = Date.now() + 40_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

export async function kafkajsSuite(tally: Tally, { bootstrap }: Target): Promise<void> {
  const kafka = new Kafka({ brokers: bootstrap.split(','), clientId: 'interop', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();

  await tally.check('KafkaJS: topics are created, described, grown and deleted', async () => {
    equal(await admin.createTopics({ topics: [{ topic: 'js-admin', numPartitions: 3 }] }), true, 'created');
    equal(await admin.createTopics({ topics: [{ topic: 'js-admin', numPartitions: 3 }] }), false, 'exists');
    await admin.createPartitions({ topicPartitions: [{ topic: 'js-admin', count: 5 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ['js-admin'] });
    equal(topics[0]?.partitions.length, 5, 'partitions');
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name: 'js-admin', configEntries: [{ name: 'retention.ms', value: '60000' }] }],
    });
    const configs = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: 'js-admin', configNames: ['retention.ms'] }],
    });
    equal(configs.resources[0]?.configEntries[0]?.configValue, '60000', 'retention.ms');
    await admin.deleteTopics({ topics: ['js-admin'] });
    ensure(!(await admin.listTopics()).includes('js-admin'), 'the topic is gone');
  });

  await tally.check('KafkaJS: keys, headers and nulls with gzip and without', async () => {
    await admin.createTopics({ topics: [{ topic: 'js-records', numPartitions: 1 }] });
    const producer = kafka.producer();
    await producer.connect();
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
      for (const acks of [0, 1, -1]) {
        await producer.send({
          topic: 'js-records',
          acks,
          compression,
          messages: [
            { key: 'k', value: 'v', headers: { h: 'x' } },
            { key: null, value: null },
          ],
        });
      }
    }
    await producer.disconnect();
    const seen: (string | null)[] = [];
    const consumer = kafka.consumer({ groupId: 'js-records' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'js-records', fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        seen.push(message.value?.toString() ?? null);
        if (message.value !== null) equal(message.headers?.h?.toString(), 'x', 'header');
      },
    });
    await until(() => seen.length >= 12, '12 records');
    await consumer.disconnect();
    equal(seen.filter((value) => value === null).length, 6, 'nulls');
  });

  await tally.check('KafkaJS: three members rebalance under load and every record arrives', async () => {
    await admin.createTopics({ topics: [{ topic: 'js-group', numPartitions: 6 }] });
    const producer = kafka.producer();
    await producer.connect();
    const seen = new Set<string>();
    const join = async (): Promise<ReturnType<typeof kafka.consumer>> => {
      const consumer = kafka.consumer({ groupId: 'js-group', sessionTimeout: 10_000, heartbeatInterval: 500 });
      await consumer.connect();
      await consumer.subscribe({ topic: 'js-group', fromBeginning: true });
      await consumer.run({ eachMessage: async ({ message }) => void seen.add(message.value?.toString() ?? '') });
      return consumer;
    };
    const members = [await join()];
    for (let i = 0; i < 600; i++) {
      await producer.send({ topic: 'js-group', messages: [{ value: `${i}` }] });
      if (i === 200) members.push(await join());
      if (i === 300) members.push(await join());
      if (i === 450) await members[1]?.disconnect();
    }
    await until(() => seen.size === 600, '600 records');
    const { groups } = await admin.describeGroups(['js-group']);
    equal(groups[0]?.protocolType, 'consumer', 'protocol type');
    await Promise.all(members.map((member) => member.disconnect()));
    await producer.disconnect();
    await admin.deleteGroups(['js-group']);
    ensure(!(await admin.listGroups()).groups.some(({ groupId }) => groupId === 'js-group'), 'the group is gone');
  });

  await tally.check('KafkaJS: offsets are reset and seen', async () => {
    await admin.setOffsets({ groupId: 'js-reset', topic: 'js-records', partitions: [{ partition: 0, offset: '3' }] });
    const [topic] = await admin.fetchOffsets({ groupId: 'js-reset', topics: ['js-records'] });
    equal(topic?.partitions[0]?.offset, '3', 'offset');
    const [latest] = await admin.fetchTopicOffsets('js-records');
    equal([latest?.low, latest?.high], ['0', '12'], 'log range');
    await admin.deleteTopicRecords({ topic: 'js-records', partitions: [{ partition: 0, offset: '4' }] });
    equal((await admin.fetchTopicOffsets('js-records'))[0]?.low, '4', 'log start');
  });

  await admin.disconnect();
}
