/** The folders of a broker: what in them is ours, what of them survives a crash, and how far one failure reaches. */
import { expect, test } from 'vitest';
import { BrokerError, silentLogger } from '../std/mod.ts';
import { DEFAULT_LOG_CONFIG } from './log-config.ts';
import { append, batchOf, makeWorld, openAsFound, openLog, openManager, TOPIC_ID, type World } from './log-fixture.ts';
import { isOfDisk, type LogManager } from './log-manager.ts';
import { scanBatches } from './log-scan.ts';
import type { PartitionLog } from './partition-log.ts';

async function writeFile(world: World, path: string, text: string): Promise<void> {
  const file = world.disk.open(path, 'create');
  const bytes = Buffer.from(text);
  file.writeSync(bytes, 0, bytes.length, 0);
  file.truncate(bytes.length);
  file.close();
}

test('the metadata log of a Kafka that used the folder before is left alone', async () => {
  const world = makeWorld();
  const { manager } = await openLog(world);
  await manager.close({ brokerEpoch: 1 });
  world.disk.makeFolder('/data/__cluster_metadata-0');
  await writeFile(world, '/data/__cluster_metadata-0/partition.metadata', `version: 0\ntopic_id: ${TOPIC_ID}`);
  await writeFile(world, '/data/__cluster_metadata-0/00000000000000000000.log', 'no batch of ours');
  const reopened = await openManager(world);
  expect(reopened.get('__cluster_metadata', 0)).toBeUndefined();
  expect(world.disk.list('/data/__cluster_metadata-0')).toEqual(['00000000000000000000.log', 'partition.metadata']);
  expect(world.disk.readFile('/data/__cluster_metadata-0/00000000000000000000.log').toString()).toBe(
    'no batch of ours',
  );
});

test('a partition whose files make no sense is offline, and the others of its folder are not', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world);
  await append(world, manager.create('bad', 0, TOPIC_ID, log.config), batchOf(['b']));
  await append(world, log, batchOf(['a']));
  await manager.close({ brokerEpoch: 1 });
  await writeFile(world, '/data/bad-0/partition.metadata', 'nonsense\n');
  const reopened = await openManager(world);
  expect(reopened.describe()[0]?.isOffline).toBe(false);
  expect(reopened.get('t', 0)?.logEndOffset).toBe(1);
  expect(reopened.get('bad', 0)).toBeUndefined();
  // What is there may still be saved: nobody makes a new log of that name over it.
  expect(() => reopened.create('bad', 0, TOPIC_ID, log.config)).toThrow('a log is there but cannot be read');
});

test('what is of the disk and what of one file is told apart', () => {
  const withCode = (code: string) => Object.assign(new Error(code), { code });
  expect(['EIO', 'EROFS', 'ENOSPC'].map((code) => isOfDisk(withCode(code)))).toEqual([true, true, true]);
  expect(['EACCES', 'ERR_OUT_OF_RANGE'].map((code) => isOfDisk(withCode(code)))).toEqual([false, false]);
  expect(isOfDisk(new BrokerError('disk.failed', 'x', { cause: withCode('EIO') }))).toBe(true);
  expect(isOfDisk(new BrokerError('log.corrupt', 'x'))).toBe(false);
});

test('a disk that fails takes the whole folder', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world);
  await append(world, manager.create('bad', 0, TOPIC_ID, log.config), batchOf(['b']));
  await manager.close({ brokerEpoch: 1 });
  world.disk.inject({ operation: 'read', kind: 'EIO', path: /bad-0\/partition\.metadata/ });
  await expect(openManager(world)).rejects.toMatchObject({ code: 'log.offline' });
});

test('deleted records do not come back after a power loss', async () => {
  const world = makeWorld();
  const { log } = await openLog(world);
  for (let i = 0; i < 10; i++) await append(world, log, batchOf([`${i}`]));
  log.setHighWatermark(10);
  await log.flush();
  log.deleteRecordsBefore(7);
  await world.clock.settle();
  world.disk.powerLoss(world.random);
  const reopened = (await openLog(world)).log;
  expect([reopened.logStartOffset, reopened.logEndOffset]).toEqual([7, 10]);
});

test('checkpoints that are written at the same time do not take each other’s file', async () => {
  const warnings: object[] = [];
  const plain = makeWorld();
  const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) };
  const world = { ...plain, runtime: { ...plain.runtime, log: logger } };
  const { manager, log } = await openLog(world, {}, { recoveryPointCheckpointIntervalMs: 50 });
  for (let i = 0; i < 10; i++) await append(world, log, batchOf([`${i}`]));
  log.setHighWatermark(10);
  for (let offset = 1; offset <= 5; offset++) {
    log.deleteRecordsBefore(offset);
    world.clock.advance(50);
  }
  await world.clock.settle();
  expect(warnings).toEqual([]);
  expect(world.disk.readFile('/data/log-start-offset-checkpoint').toString()).toBe('0\n1\nt 0 5\n');
  await manager.close({ brokerEpoch: 1 });
});

test('files that cannot be removed when their time has come take the folder offline, not the process', async () => {
  for (const isWholeLog of [true, false]) {
    const world = makeWorld();
    const { manager, log } = await openLog(world, { segmentBytes: 200, retentionBytes: 200, fileDeleteDelayMs: 1_000 });
    for (let i = 0; i < 10; i++) await append(world, log, batchOf(['x'.repeat(100)]));
    log.setHighWatermark(10);
    world.disk.inject({ operation: 'remove', kind: 'EIO', path: isWholeLog ? /-delete$/ : /\.deleted$/ });
    if (isWholeLog) await manager.delete('t', 0);
    else manager.runRetention();
    expect(manager.folders[0]?.isOffline).toBe(false);
    await world.clock.advanceAndSettle(2_000);
    expect(manager.folders[0]?.isOffline).toBe(true);
  }
});

test('a partition that is deleted during a flush takes nothing else with it', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world, { segmentBytes: 200, flushMessages: 1 });
  for (let i = 0; i < 5; i++) await append(world, log, batchOf(['x'.repeat(100)]));
  log.appendAsLeader(batchOf(['x'.repeat(100)]), { leaderEpoch: 0, origin: 'client', produceVersion: 12 }, () => {});
  log.appendAsLeader(batchOf(['x'.repeat(100)]), { leaderEpoch: 0, origin: 'client', produceVersion: 12 }, () => {});
  world.clock.runTurn();
  await manager.delete('t', 0);
  await world.clock.settle();
  expect(manager.folders[0]?.isOffline).toBe(false);
});

test('a log without records has no files, and is closed without any', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world);
  expect(world.disk.list('/data')).not.toContain('t-0');
  await log.flush();
  await manager.markStray('t', 0);
  manager.create('t', 0, TOPIC_ID, log.config);
  await manager.close({ brokerEpoch: 1 });
  expect(world.disk.list('/data').filter((name) => name.startsWith('t-0'))).toEqual([]);
});

test('the first flush of a log makes its folder and its topic id durable, too', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = makeWorld(seed);
    const { manager, log } = await openLog(world);
    await append(world, log, batchOf(['a']));
    await log.flush();
    world.disk.powerLoss(world.random);
    const reopened = await openManager(world);
    expect(reopened.get('t', 0)?.topicId).toBe(TOPIC_ID);
    expect(reopened.get('t', 0)?.logEndOffset).toBe(1);
    expect(manager.get('t', 0)).toBe(log);
  }
});

test('records whose topic id was lost with the power are set aside; a remainder without records goes', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world);
  for (const topic of ['full', 'bare']) {
    await append(world, manager.create(topic, 0, TOPIC_ID, log.config), batchOf(['a']));
  }
  await manager.close({ brokerEpoch: 1 });
  await writeFile(world, '/data/full-0/partition.metadata', 'version: 0');
  await writeFile(world, '/data/bare-0/partition.metadata', '');
  await writeFile(world, '/data/bare-0/00000000000000000000.log', '');
  const reopened = await openManager(world);
  for (const topic of ['full', 'bare']) {
    expect(reopened.get(topic, 0)).toBeUndefined();
    await append(world, reopened.create(topic, 0, TOPIC_ID, log.config), batchOf(['b']));
    expect(reopened.get(topic, 0)?.logEndOffset).toBe(1);
  }
  const strays = world.disk.list('/data').filter((name) => name.endsWith('-stray'));
  expect(strays).toEqual([expect.stringMatching(/^full-0\./)]);
});

test('a log that nothing happened to since a clean stop is closed without a single sync', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world);
  await append(world, log, batchOf(['a']));
  await manager.close({ brokerEpoch: 1 });
  const reopened = await openManager(world);
  world.disk.inject({ operation: 'datasync', path: /t-0/, kind: 'EIO' });
  await reopened.close({ brokerEpoch: 2 });
  expect(reopened.describe()[0]?.isOffline).toBe(false);
  const last = await openManager(world);
  expect([last.previousBrokerEpoch, last.get('t', 0)?.logEndOffset]).toEqual([2, 1]);
});

test('what was written since a clean stop is on the disk after the next one', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = makeWorld(seed);
    const first = await openLog(world);
    await append(world, first.log, batchOf(['a']));
    await first.manager.close({ brokerEpoch: 1 });
    const second = await openLog(world);
    await append(world, second.log, batchOf(['b']));
    await second.manager.close({ brokerEpoch: 2 });
    world.disk.powerLoss(world.random);
    const last = await openManager(world);
    expect([last.previousBrokerEpoch, last.get('t', 0)?.logEndOffset]).toEqual([2, 2]);
  }
});

test('a segment that rests while it is walked keeps its file open until the walk is over', async () => {
  const world = makeWorld();
  const { log } = await openLog(world);
  for (const value of ['a', 'b', 'c']) await append(world, log, batchOf([value]));
  const { activeSegment: segment } = log;
  let batches = 0;
  const options = { from: 0, to: segment.sizeBytes, verify: true, pieceBytes: 100 };
  await scanBatches(segment, options, () => {
    batches++;
    segment.rest();
    return true;
  });
  expect(batches).toBe(3);
});

test('a clean stop keeps everything of a log, whatever the power does then', async () => {
  const config = { segmentBytes: 600, indexIntervalBytes: 0 };
  for (let seed = 1; seed <= 20; seed++) {
    const world = makeWorld(seed);
    const { manager, log } = await openLog(world, config);
    for (let epoch = 0; epoch < 2 + (seed % 10); epoch++) {
      const batch = batchOf(['a'.repeat(150)], {
        producerId: 1,
        producerEpoch: 0,
        baseSequence: epoch,
        timestamp: epoch,
      });
      await append(world, log, batch, { leaderEpoch: epoch });
    }
    const stateOf = (of: PartitionLog) => ({
      logEndOffset: of.logEndOffset,
      epochs: of.leaderEpochs.entries(),
      sequence: of.producers.get(1)?.batches.at(-1)?.lastSequence,
      timestamps: of.segments.map((segment) => segment.largestTimestampOffset()),
      indexes: of.segments.flatMap(({ offsetIndex, timeIndex }) => [offsetIndex, timeIndex].map((each) => each.path)),
    });
    const stop = async (stopping: LogManager, brokerEpoch: number): Promise<LogManager> => {
      const before = stateOf(stopping.get('t', 0) as PartitionLog);
      await stopping.close({ brokerEpoch });
      const indexes = before.indexes.map((path) => world.disk.readFile(path));
      world.disk.powerLoss(world.random);
      const reopened = await openAsFound(world, config);
      expect(reopened.previousBrokerEpoch).toBe(brokerEpoch);
      expect(stateOf(reopened.get('t', 0) as PartitionLog)).toEqual(before);
      expect(before.indexes.map((path) => world.disk.readFile(path))).toEqual(indexes);
      return reopened;
    };
    const second = await stop(manager, 3);
    // No more than the leader changed: no segment, and so no name, is new.
    second.takeIntoUse();
    await append(world, second.get('t', 0) as PartitionLog, batchOf(['b']), { leaderEpoch: 50 });
    await stop(second, 4);
  }
});

test('a stop syncs of a log what nothing else can tell, and the folder of all logs once', async () => {
  const world = makeWorld();
  const manager = await openManager(world);
  const config = { ...DEFAULT_LOG_CONFIG };
  for (let partition = 0; partition < 20; partition++) {
    await append(world, manager.create('t', partition, TOPIC_ID, config), batchOf(['a']));
  }
  const syncsOf = async (closing: LogManager, brokerEpoch: number): Promise<string[]> => {
    const synced: string[] = [];
    world.disk.beforeChange = (_, operation, path) => {
      if (operation === 'datasync') synced.push(path);
    };
    await closing.close({ brokerEpoch });
    world.disk.beforeChange = undefined;
    return synced;
  };
  const of = (paths: readonly string[]) =>
    paths.flatMap((path) => (path.startsWith('/data/t-7') ? [path.slice('/data/t-7'.length)] : [])).sort();
  const first = await syncsOf(manager, 1);
  const LOG = '/00000000000000000000.log';
  const TIME_INDEX = '/00000000000000000000.timeindex';
  expect(of(first)).toEqual(['', LOG, TIME_INDEX, '/leader-epoch-checkpoint.tmp', '/partition.metadata']);
  // The others are the checkpoints' and the marker's, however many logs there are.
  expect(first.filter((path) => path === '/data').length).toBeLessThan(5);

  const second = await openManager(world);
  await append(world, second.get('t', 7) as PartitionLog, batchOf(['b']));
  expect(of(await syncsOf(second, 2))).toEqual([LOG]);
  const third = await openManager(world);
  await append(world, third.get('t', 7) as PartitionLog, batchOf(['c']), { leaderEpoch: 1 });
  expect(of(await syncsOf(third, 3))).toEqual(['', LOG, '/leader-epoch-checkpoint.tmp']);
});

const MARKER = '/data/.kafka_cleanshutdown';

test('folders are as they were found until they are taken into use', async () => {
  const world = makeWorld();
  const { manager, log } = await openLog(world);
  await append(world, log, batchOf(['a']));
  await manager.close({ brokerEpoch: 7 });
  const found = await openAsFound(world);
  expect([found.previousBrokerEpoch, world.disk.exists(MARKER)]).toEqual([7, true]);
  await found.close({ brokerEpoch: -1 });
  world.disk.powerLoss(world.random);
  const again = await openAsFound(world);
  expect(again.previousBrokerEpoch).toBe(7);
  again.takeIntoUse();
  world.disk.powerLoss(world.random);
  expect(world.disk.exists(MARKER)).toBe(false);
});

test('a broker that was registered and wrote nothing leaves its new epoch', async () => {
  const world = makeWorld();
  const { manager } = await openLog(world);
  await manager.close({ brokerEpoch: 7 });
  await (await openAsFound(world)).close({ brokerEpoch: 9 });
  expect((await openAsFound(world)).previousBrokerEpoch).toBe(9);
});

test('an index that is made anew after a clean stop is trusted when it is on the disk, and not before', async () => {
  const INDEX = '/data/t-0/00000000000000000000.index';
  const world = makeWorld();
  const { manager, log } = await openLog(world, { indexIntervalBytes: 0 });
  for (const value of ['a', 'b', 'c']) await append(world, log, batchOf([value]));
  await manager.close({ brokerEpoch: 7 });
  const index = world.disk.readFile(INDEX);
  expect(index.length).toBeGreaterThan(0);
  world.disk.removeFile(INDEX);
  world.disk.syncFolder('/data/t-0');
  let markersWhileWriting = 0;
  world.disk.beforeChange = (_, operation, path) => {
    if (path === INDEX && operation === 'write' && world.disk.exists(MARKER)) markersWhileWriting++;
  };
  const rebuilt = await openAsFound(world, { indexIntervalBytes: 0 });
  expect(rebuilt.previousBrokerEpoch).toBe(7);
  expect(markersWhileWriting).toBe(0);
  await rebuilt.close({ brokerEpoch: 8 });
  world.disk.beforeChange = undefined;
  world.disk.powerLoss(world.random);
  expect(world.disk.readFile(INDEX)).toEqual(index);
});
