/** What becomes of the logs of a broker that was down when their topics were deleted, or moved to others. */
import { afterEach, expect, test } from 'vitest';
import { SimAdmin } from './support/sim-admin.ts';

let admin: SimAdmin;
afterEach(() => admin.end());

const FILE_DELETE_DELAY_MS = 70_000;

test('a topic that was deleted while a broker was down goes from its disk, and never comes back', async () => {
  admin = await SimAdmin.start(3);
  const cluster = admin.world;
  await admin.createTopic('a');
  await admin.produce('a', 'x');
  await cluster.pass(2000);
  cluster.kill(3);
  await admin.deleteTopic('a');
  expect(admin.folders(3, 'a')).toEqual(['a-0']);
  cluster.start(3);
  await admin.awaitRunning(3);
  await cluster.pass(FILE_DELETE_DELAY_MS);
  expect(admin.folders(3, 'a')).toEqual([]);
  // The log holds no topic any more. It held one once, so nothing on a disk is taken for a topic that nobody entered.
  for (const { id } of cluster.nodes) cluster.kill(id);
  cluster.start(3);
  await admin.awaitRunning(3);
  expect(admin.topicsKnownTo(3)).toEqual([]);
});

test('a broker that a snapshot brought up to date deletes what the snapshot no longer has', async () => {
  admin = await SimAdmin.start(4, { 'ottla.metadata.snapshot.batches': '4' });
  const cluster = admin.world;
  await admin.createTopic('a');
  await admin.createTopic('kept');
  await admin.produce('a', 'x');
  await admin.produce('kept', 'x');
  await cluster.pass(2000);
  cluster.kill(3);
  const known = cluster.store.end;
  await admin.deleteTopic('a');
  for (let at = 0; cluster.store.trimmedBelow <= known && at < 20; at++) await admin.createTopic(`more-${at}`);
  expect(cluster.store.trimmedBelow).toBeGreaterThan(known);
  cluster.start(3);
  await admin.awaitRunning(3);
  await cluster.pass(FILE_DELETE_DELAY_MS);
  expect([admin.folders(3, 'a'), admin.folders(3, 'kept')]).toEqual([[], ['kept-0']]);
});

test('a replica that moved away while its broker was down is deleted, as if the broker had been there', async () => {
  admin = await SimAdmin.start(5);
  const cluster = admin.world;
  await admin.createTopic('a');
  await admin.produce('a', 'x');
  await cluster.pass(2000);
  cluster.kill(3);
  await admin.reassign('a', [1, 2]);
  await cluster.pass(5000);
  cluster.start(3);
  await admin.awaitRunning(3);
  await cluster.pass(FILE_DELETE_DELAY_MS);
  expect([1, 2, 3].map((id) => admin.folders(id, 'a'))).toEqual([['a-0'], ['a-0'], []]);
});

test('a log of a topic that the cluster never had is set aside and kept', async () => {
  admin = await SimAdmin.start(6);
  const cluster = admin.world;
  await admin.createTopic('a');
  await admin.createTopic('b');
  await admin.produce('a', 'x');
  await admin.produce('b', 'x');
  await cluster.pass(2000);
  cluster.kill(3);
  // Its copy of the metadata is gone, so nothing says that the topic was ever this broker's.
  cluster.node(3).disk.removeTree('/data/__cluster_metadata-20001');
  await admin.deleteTopic('a');
  cluster.start(3);
  await admin.awaitRunning(3);
  await cluster.pass(FILE_DELETE_DELAY_MS);
  expect([admin.folders(3, 'a'), admin.folders(3, 'b')]).toEqual([['a-0-stray'], ['b-0']]);
  expect(cluster.trace.last(100_000).some((line) => / error .*-stray/.test(line))).toBe(true);
});

test('a broker that waits for the store touches nothing on its disk', async () => {
  admin = await SimAdmin.start(7);
  const cluster = admin.world;
  await admin.createTopic('a');
  await admin.produce('a', 'x');
  await cluster.pass(2000);
  cluster.kill(3);
  await admin.deleteTopic('a');
  const mend = cluster.store.makeUnavailable();
  cluster.start(3);
  await cluster.pass(FILE_DELETE_DELAY_MS);
  expect([cluster.node(3).state, admin.folders(3, 'a')]).toEqual(['starting', ['a-0']]);
  mend();
  await admin.awaitRunning(3);
  await cluster.pass(FILE_DELETE_DELAY_MS);
  expect(admin.folders(3, 'a')).toEqual([]);
});
