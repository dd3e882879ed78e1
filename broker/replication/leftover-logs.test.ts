import { expect, test } from 'vitest';
import { written } from '../metadata/image-fixture.ts';
import { EMPTY_IMAGE, type MetadataImage, type MetadataRecord } from '../metadata/mod.ts';
import { fateOfLog } from './leftover-logs.ts';

const TOPIC_ID = Buffer.alloc(16, 1).toString('base64url');
const NODE_ID = 3;
const topic: MetadataRecord = { kind: 'Topic', name: 't', topicId: TOPIC_ID };
const partition = (replicas: number[]): MetadataRecord => ({
  kind: 'Partition',
  partitionId: 0,
  topicId: TOPIC_ID,
  replicas,
  isr: replicas,
  removingReplicas: [],
  addingReplicas: [],
  leader: 1,
  leaderRecoveryState: 0,
  leaderEpoch: 0,
  partitionEpoch: 0,
  directories: [],
  eligibleLeaderReplicas: null,
  lastKnownElr: null,
});
const ours = written(EMPTY_IMAGE, [topic, partition([1, NODE_ID])]);
const others = written(EMPTY_IMAGE, [topic, partition([1, 2])]);

const cases: readonly [string, MetadataImage, MetadataImage, boolean, ReturnType<typeof fateOfLog>][] = [
  ['a replica of this broker is served', ours, ours, true, 'served'],
  ['also where nobody knows of it from before', EMPTY_IMAGE, ours, true, 'served'],
  ['also where the history may be another', EMPTY_IMAGE, ours, false, 'served'],
  ['what was ours and is gone is deleted', ours, EMPTY_IMAGE, true, 'deleted'],
  ['what was ours and moved away is deleted', ours, others, true, 'deleted'],
  ['what may only have been forgotten is kept', ours, EMPTY_IMAGE, false, 'setAside'],
  ['what may have moved away in another history only is kept', ours, others, false, 'setAside'],
  ['what was never known here is kept', EMPTY_IMAGE, EMPTY_IMAGE, true, 'setAside'],
  ['what others have, and was never known as ours, is kept', EMPTY_IMAGE, others, true, 'setAside'],
];

for (const [title, before, image, isCertain, fate] of cases) {
  test(title, () => {
    const log = { topicId: TOPIC_ID, partition: 0 };
    expect(fateOfLog(log, { nodeId: NODE_ID, before, image, isCertain })).toBe(fate);
  });
}
