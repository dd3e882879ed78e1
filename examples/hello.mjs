/** Produces ten records and reads them back: `npm run example`, with a broker on localhost:9092 or at the address given. */
import kafkajs from 'kafkajs';

const broker = process.argv[2] ?? 'localhost:9092';
const kafka = new kafkajs.Kafka({ brokers: [broker], clientId: 'example', logLevel: kafkajs.logLevel.ERROR });

const admin = kafka.admin();
await admin.connect();
await admin.createTopics({ topics: [{ topic: 'greetings', numPartitions: 1 }] });
await admin.disconnect();

const producer = kafka.producer();
await producer.connect();
const messages = Array.from({ length: 10 }, (_, index) => ({ key: `key-${index}`, value: `hello ${index}` }));
await producer.send({ topic: 'greetings', messages });
await producer.disconnect();

const consumer = kafka.consumer({ groupId: `example-${process.pid}` });
await consumer.connect();
await consumer.subscribe({ topic: 'greetings', fromBeginning: true });
let seen = 0;
await new Promise((resolve) => {
  consumer.run({
    eachMessage: async ({ message }) => {
      process.stdout.write(`offset ${message.offset}: ${message.key} = ${message.value}\n`);
      seen++;
      if (seen === messages.length) resolve();
    },
  });
});
await consumer.disconnect();
