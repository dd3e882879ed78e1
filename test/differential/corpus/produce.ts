/** Produce: what is stored, and every way a batch can be refused. */
import { buildBatch, Compression, resealBatch } from '../../../broker/protocol/mod.ts';
import { type Session, SOME_TIME, someRecords } from '../session.ts';
import { cases } from './scenario.ts';

const BY_ID = 13;

interface Options {
  readonly acks?: number;
  readonly transactionalId?: string;
  readonly partition?: number;
}

/** The topic is named in the way of the version. */
function named(s: Session, label: string, id: string): object {
  return s.version >= BY_ID ? { topicId: id } : { name: s.name(label) };
}

async function ask(s: Session, label: string, id: string, records: Buffer | null, options: Options = {}) {
  return s.ask({
    acks: options.acks ?? -1,
    timeoutMs: 5000,
    transactionalId: options.transactionalId ?? null,
    topicData: [{ ...named(s, label, id), partitionData: [{ index: options.partition ?? 0, records }] }],
  });
}

/** What the log holds afterwards, bytes included. */
const stored = (s: Session, label: string) =>
  s.observe(
    'Fetch',
    {
      replicaId: -1,
      maxWaitMs: 0,
      maxBytes: 1_000_000,
      topics: [{ topic: s.name(label), partitions: [{ partition: 0, partitionMaxBytes: 1_000_000, fetchOffset: 0 }] }],
    },
    12,
  );

const plain = (count = 3) => buildBatch({ records: someRecords(count) });
const sequenced = (baseSequence: number, producerId: number, producerEpoch = 0, count = 2) =>
  buildBatch({ records: someRecords(count), producerId, producerEpoch, baseSequence });

/** With timestamps of today: Kafka forgets a producer whose last batch is older than its expiry. */
const sequencedAt = (timestamp: number, baseSequence: number, producerId: number) =>
  buildBatch({ records: someRecords(2, { timestamp }), producerId, producerEpoch: 0, baseSequence });

async function producer(s: Session, label: string): Promise<number> {
  const answer = await s.prepare('InitProducerId', { transactionalId: null, transactionTimeoutMs: 60_000 });
  return s.label(answer.producerId as number, label);
}

const withCompression = (codec: number) => async (s: Session) => {
  const id = await s.topic('t');
  await ask(s, 't', id, buildBatch({ records: someRecords(20), compression: codec }));
  await stored(s, 't');
};

export const produce = cases('Produce', [
  [
    'records are appended, acks=all',
    async (s) => {
      const id = await s.topic('t');
      await ask(s, 't', id, plain());
      await ask(s, 't', id, plain());
      await stored(s, 't');
    },
  ],
  ['records are appended, acks=1', async (s) => ask(s, 't', await s.topic('t'), plain(), { acks: 1 })],
  ['gzip is kept', withCompression(Compression.gzip)],
  ['snappy is kept', withCompression(Compression.snappy)],
  ['lz4 is kept', withCompression(Compression.lz4)],
  ['zstd is kept', withCompression(Compression.zstd), { from: 7 }],
  [
    'several topics and partitions, one of them unknown',
    async (s) => {
      const a = await s.topic('a', { partitions: 2 });
      const b = await s.topic('b');
      await s.ask({
        acks: -1,
        timeoutMs: 5000,
        topicData: [
          {
            ...named(s, 'a', a),
            partitionData: [
              { index: 0, records: plain() },
              { index: 1, records: plain() },
              { index: 2, records: plain() },
            ],
          },
          { ...named(s, 'b', b), partitionData: [{ index: 0, records: plain() }] },
        ],
      });
    },
  ],
  ['no topics at all', async (s) => s.ask({ acks: -1, timeoutMs: 5000, topicData: [] })],
  ['an unknown topic', async (s) => ask(s, 'missing', 'AAAAAAAAAAAAAAAAAAAAAQ', plain())],
  [
    'a topic that cannot have that name',
    async (s) =>
      s.ask({
        acks: -1,
        timeoutMs: 5000,
        topicData: [{ name: 'no spaces', partitionData: [{ index: 0, records: plain() }] }],
      }),
    { to: 12 },
  ],
  ['the zero topic id', async (s) => ask(s, 'missing', 'AAAAAAAAAAAAAAAAAAAAAA', plain()), { from: BY_ID }],
  ['a negative partition', async (s) => ask(s, 't', await s.topic('t'), plain(), { partition: -1 })],
  ['acks that do not exist', async (s) => ask(s, 't', await s.topic('t'), plain(), { acks: 2 })],
  ['a negative acks that does not exist', async (s) => ask(s, 't', await s.topic('t'), plain(), { acks: -2 })],
  [
    'an internal topic',
    async (s) => {
      await s.group('g');
      const metadata = await s.prepare('Metadata', { topics: [{ name: '__consumer_offsets' }] });
      const id = s.label(metadata.topics[0].topicId as string, 'offsets id');
      const name = s.version >= BY_ID ? { topicId: id } : { name: '__consumer_offsets' };
      await s.ask({
        acks: -1,
        timeoutMs: 5000,
        topicData: [{ ...name, partitionData: [{ index: 0, records: plain() }] }],
      });
    },
  ],
  ['null records', async (s) => ask(s, 't', await s.topic('t'), null)],
  ['empty records', async (s) => ask(s, 't', await s.topic('t'), Buffer.alloc(0))],
  ['a batch of no records', async (s) => ask(s, 't', await s.topic('t'), buildBatch({ records: [] }))],
  [
    'two batches for one partition',
    async (s) => {
      const id = await s.topic('t');
      await ask(s, 't', id, Buffer.concat([plain(), plain()]));
      await stored(s, 't');
    },
  ],
  [
    'a checksum that is wrong',
    async (s) => {
      const batch = plain();
      batch[batch.length - 1] = (batch[batch.length - 1] as number) ^ 1;
      const id = await s.topic('t');
      await ask(s, 't', id, batch);
      await stored(s, 't');
    },
  ],
  ['a batch that is cut short', async (s) => ask(s, 't', await s.topic('t'), plain().subarray(0, 70))],
  ['half a batch header', async (s) => ask(s, 't', await s.topic('t'), plain().subarray(0, 30))],
  ['bytes after the batch', async (s) => ask(s, 't', await s.topic('t'), Buffer.concat([plain(), Buffer.alloc(7)]))],
  [
    'a magic of the future',
    async (s) => {
      const batch = plain();
      batch[16] = 3;
      await ask(s, 't', await s.topic('t'), batch);
    },
  ],
  [
    'message format 1',
    async (s) => {
      const batch = plain();
      batch[16] = 1;
      await ask(s, 't', await s.topic('t'), batch);
    },
  ],
  [
    'a base offset that is not zero',
    async (s) => {
      const id = await s.topic('t');
      await ask(s, 't', id, buildBatch({ records: someRecords(2), baseOffset: 77 }));
      await stored(s, 't');
    },
  ],
  [
    'a record count that does not fit the last offset',
    async (s) => {
      const batch = plain(3);
      batch.writeInt32BE(2, 57);
      resealBatch(batch, 0);
      await ask(s, 't', await s.topic('t'), batch);
    },
  ],
  [
    'a last offset delta that does not fit the count',
    async (s) => {
      const batch = plain(3);
      batch.writeInt32BE(7, 23);
      resealBatch(batch, 0);
      await ask(s, 't', await s.topic('t'), batch);
    },
  ],
  [
    'a control batch from a client',
    async (s) =>
      ask(
        s,
        't',
        await s.topic('t'),
        buildBatch({
          records: [{ timestamp: SOME_TIME, key: Buffer.from([0, 0, 0, 1]), value: Buffer.alloc(6) }],
          isControl: true,
          producerId: 5,
          producerEpoch: 0,
        }),
      ),
  ],
  [
    'a codec that does not exist',
    async (s) => {
      const batch = plain();
      batch[22] = (batch[22] as number) | 6;
      resealBatch(batch, 0);
      await ask(s, 't', await s.topic('t'), batch);
    },
  ],
  [
    'zstd before version 7',
    async (s) =>
      ask(s, 't', await s.topic('t'), buildBatch({ records: someRecords(3), compression: Compression.zstd })),
    { to: 6 },
  ],
  [
    'a batch larger than max.message.bytes',
    async (s) => {
      const id = await s.topic('t', { configs: { 'max.message.bytes': '200' } });
      await ask(s, 't', id, plain(20));
      await ask(s, 't', id, plain(1));
      await stored(s, 't');
    },
  ],
  [
    'a batch larger than segment.bytes',
    async (s) => {
      const id = await s.topic('t', { configs: { 'segment.bytes': '1048576', 'max.message.bytes': '5000000' } });
      const value = Buffer.alloc(1_200_000, 1);
      await ask(s, 't', id, buildBatch({ records: [{ timestamp: SOME_TIME, key: null, value }] }));
    },
  ],
  [
    'LogAppendTime stamps the batch',
    async (s) => {
      const id = await s.topic('t', { configs: { 'message.timestamp.type': 'LogAppendTime' } });
      await ask(s, 't', id, plain());
    },
  ],
  [
    'a record without a key on a compacted topic',
    async (s) => {
      const id = await s.topic('t', { configs: { 'cleanup.policy': 'compact' } });
      await ask(s, 't', id, buildBatch({ records: [...someRecords(2), ...someRecords(2, { key: null })] }));
      await ask(s, 't', id, plain());
      await stored(s, 't');
    },
  ],
  [
    'a timestamp too far in the past',
    async (s) => {
      const id = await s.topic('t', { configs: { 'message.timestamp.before.max.ms': '1000' } });
      await ask(s, 't', id, buildBatch({ records: someRecords(3, { timestamp: 1_000_000 }) }));
    },
  ],
  [
    'a timestamp too far in the future',
    async (s) => {
      const id = await s.topic('t', { configs: { 'message.timestamp.after.max.ms': '1000' } });
      await ask(s, 't', id, buildBatch({ records: someRecords(3, { timestamp: 4_000_000_000_000 }) }));
    },
  ],
  [
    'no timestamps',
    async (s) => {
      const id = await s.topic('t');
      await ask(s, 't', id, buildBatch({ records: [{ timestamp: -1, key: null, value: Buffer.from('v') }] }));
      await stored(s, 't');
    },
  ],
  [
    'fewer replicas in sync than asked for',
    async (s) => {
      const id = await s.topic('t', { configs: { 'min.insync.replicas': '2' } });
      await ask(s, 't', id, plain());
      await ask(s, 't', id, plain(), { acks: 1 });
    },
  ],
  [
    'compression.type of the topic recompresses',
    async (s) => {
      const id = await s.topic('t', { configs: { 'compression.type': 'gzip' } });
      await ask(s, 't', id, plain(50));
      const answer = await s.prepare(
        'Fetch',
        {
          replicaId: -1,
          maxBytes: 1_000_000,
          topics: [
            { topic: s.name('t'), partitions: [{ partition: 0, partitionMaxBytes: 1_000_000, fetchOffset: 0 }] },
          ],
        },
        12,
      );
      const { records } = answer.responses[0].partitions[0];
      s.answers.push({
        api: 'Fetch',
        version: 12,
        response: { codec: (records as Buffer)[22], count: records.readInt32BE(57) },
      });
    },
  ],
  [
    'sequences in order',
    async (s) => {
      const id = await s.topic('t');
      const pid = await producer(s, 'pid');
      for (let i = 0; i < 3; i++) await ask(s, 't', id, sequencedAt(Date.now(), i * 2, pid));
      await s.observe('DescribeProducers', { topics: [{ name: s.name('t'), partitionIndexes: [0] }] });
    },
  ],
  [
    'each of the last five batches sent again',
    async (s) => {
      const id = await s.topic('t');
      const pid = await producer(s, 'pid');
      for (let i = 0; i < 7; i++) await ask(s, 't', id, sequenced(i * 2, pid));
      for (let i = 0; i < 7; i++) await ask(s, 't', id, sequenced(i * 2, pid));
    },
  ],
  [
    'a gap in the sequences',
    async (s) => {
      const id = await s.topic('t');
      const pid = await producer(s, 'pid');
      await ask(s, 't', id, sequenced(0, pid));
      await ask(s, 't', id, sequenced(5, pid));
    },
  ],
  [
    'a duplicate of other length',
    async (s) => {
      const id = await s.topic('t');
      const pid = await producer(s, 'pid');
      await ask(s, 't', id, sequenced(0, pid));
      await ask(s, 't', id, sequenced(0, pid, 0, 1));
    },
  ],
  [
    'a first sequence that is not zero',
    async (s) => {
      const id = await s.topic('t');
      await ask(s, 't', id, sequenced(9, await producer(s, 'pid')));
    },
  ],
  [
    'an epoch that grows starts again at zero',
    async (s) => {
      const id = await s.topic('t');
      const pid = await producer(s, 'pid');
      await ask(s, 't', id, sequenced(0, pid, 0));
      await ask(s, 't', id, sequenced(2, pid, 1));
      await ask(s, 't', id, sequenced(0, pid, 1));
    },
  ],
  [
    'an epoch that was overtaken',
    async (s) => {
      const id = await s.topic('t');
      const pid = await producer(s, 'pid');
      await ask(s, 't', id, sequenced(0, pid, 3));
      await ask(s, 't', id, sequenced(2, pid, 2));
    },
  ],
  [
    'a sequence that wraps',
    async (s) => {
      const id = await s.topic('t');
      const pid = await producer(s, 'pid');
      await ask(s, 't', id, sequenced(0x7fffffff, pid, 0, 1));
      await ask(s, 't', id, sequenced(0, pid, 0, 1));
    },
  ],
  ['a producer id without a sequence', async (s) => ask(s, 't', await s.topic('t'), sequenced(-1, 5))],
  ['a version that does not exist', async (s) => s.sendRaw('Produce', 99, Buffer.alloc(20))],
]);
