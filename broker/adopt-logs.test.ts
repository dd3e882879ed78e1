import { expect, test } from 'vitest';
import { adoptLogs } from './adopt-logs.ts';
import type { Controller, Decision } from './controller/mod.ts';
import { makeWorld, openManager, TOPIC_ID } from './log/log-fixture.ts';
import { DEFAULT_LOG_CONFIG, type LogManager } from './log/mod.ts';
import {
  decodeSnapshot,
  EMPTY_IMAGE,
  encodeSnapshot,
  ImageBuilder,
  type MetadataImage,
  type MetadataRecord,
} from './metadata/mod.ts';
import { silentLogger } from './std/mod.ts';

const OTHER_ID = 'bG9nLXRlc3QtdG9waWMtMg';
const NODE_ID = 3;

/** Decides on `image` and keeps what it would write. */
class FakeController {
  readonly records: MetadataRecord[] = [];
  submissions = 0;
  isActive = true;
  readonly image: MetadataImage;

  constructor(image: MetadataImage = EMPTY_IMAGE) {
    this.image = image;
  }

  async submit<Result>(decide: (image: MetadataImage) => Decision<Result>): Promise<Result> {
    const { records, result } = decide(this.image);
    this.submissions += 1;
    this.records.push(...records);
    return result;
  }
}

async function adopt(logs: LogManager, controller = new FakeController()): Promise<FakeController> {
  const { image } = controller;
  const options = { image, logs, nodeId: NODE_ID, log: silentLogger };
  await adoptLogs({ ...options, controller: controller as unknown as Controller });
  return controller;
}

test('a topic found on disk keeps its id, gets all its partitions, and goes on from its last epoch', async () => {
  const logs = await openManager(makeWorld());
  logs.create('found', 0, TOPIC_ID, DEFAULT_LOG_CONFIG);
  const last = logs.create('found', 2, TOPIC_ID, DEFAULT_LOG_CONFIG);
  logs.create('other', 0, OTHER_ID, DEFAULT_LOG_CONFIG);
  last.leaderEpochs.assign(7, 0);
  const { records } = await adopt(logs);
  expect(records.filter(({ kind }) => kind === 'Topic')).toEqual([
    { kind: 'Topic', name: 'found', topicId: TOPIC_ID },
    { kind: 'Topic', name: 'other', topicId: OTHER_ID },
  ]);
  const partitions = records.filter((record) => record.kind === 'Partition');
  // Partition 1 has no folder: the topic had it, so it is there, and empty.
  expect(partitions.map(({ topicId, partitionId }) => [topicId, partitionId])).toEqual([
    [TOPIC_ID, 0],
    [TOPIC_ID, 1],
    [TOPIC_ID, 2],
    [OTHER_ID, 0],
  ]);
  // The broker is still fenced: it leads them from the moment at which it serves.
  for (const { leader, isr, replicas, eligibleLeaderReplicas } of partitions) {
    expect([leader, isr, replicas, eligibleLeaderReplicas]).toEqual([-1, [], [NODE_ID], [NODE_ID]]);
  }
  expect(partitions.map(({ leaderEpoch }) => leaderEpoch)).toEqual([7, 7, 7, 0]);
});

test('with topics of its own a broker adopts nothing', async () => {
  const logs = await openManager(makeWorld());
  logs.create('found', 0, TOPIC_ID, DEFAULT_LOG_CONFIG);
  const builder = new ImageBuilder(EMPTY_IMAGE);
  builder.apply({ controllerEpoch: 1, records: [{ kind: 'Topic', name: 'mine', topicId: OTHER_ID }] }, 0);
  const controller = await adopt(logs, new FakeController(builder.finish().image));
  expect(controller.records).toEqual([]);
});

test('where the log held a topic once, what lies on disk is none, though there is no topic any more', async () => {
  const logs = await openManager(makeWorld());
  logs.create('found', 0, TOPIC_ID, DEFAULT_LOG_CONFIG);
  const builder = new ImageBuilder(EMPTY_IMAGE);
  builder.apply({ controllerEpoch: 1, records: [{ kind: 'Topic', name: 'found', topicId: TOPIC_ID }] }, 0);
  builder.apply({ controllerEpoch: 1, records: [{ kind: 'RemoveTopic', topicId: TOPIC_ID }] }, 1);
  const { image } = builder.finish();
  const reread = new ImageBuilder(EMPTY_IMAGE);
  for (const batch of decodeSnapshot(encodeSnapshot(image))) reread.apply(batch, 1);
  for (const known of [image, reread.finish().image]) {
    expect((await adopt(logs, new FakeController(known))).records).toEqual([]);
  }
});

test('empty folders ask nothing of the controller', async () => {
  expect((await adopt(await openManager(makeWorld()))).submissions).toBe(0);
});

test('a broker that is not the controller leaves it to the one that is', async () => {
  const logs = await openManager(makeWorld());
  logs.create('found', 0, TOPIC_ID, DEFAULT_LOG_CONFIG);
  const controller = new FakeController();
  controller.isActive = false;
  expect((await adopt(logs, controller)).submissions).toBe(0);
});
