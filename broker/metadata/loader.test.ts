import { describe, expect, test } from 'vitest';
import { MemoryStore, MemoryStoreState } from '../coordination/mod.ts';
import { silentLogger } from '../std/mod.ts';
import { MemoryDisk } from '../std/sim/memory-disk.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import {
  encodeBatch,
  encodeSnapshot,
  LocalCopy,
  type MetadataImage,
  MetadataLoader,
  type MetadataRecord,
  restoreMetadata,
} from './mod.ts';

function world() {
  const clock = new SimClock();
  const state = new MemoryStoreState();
  const store = new MemoryStore(state, clock);
  const open = (): MetadataLoader => new MetadataLoader({ store, clock, log: silentLogger });
  const append = (...records: MetadataRecord[]): Promise<void> =>
    store.append(state.end, encodeBatch({ controllerEpoch: 1, records }));
  return { clock, state, store, open, append };
}

const id = (at: number): string => Buffer.from(String(at).padStart(16, '0')).toString('base64url');
const claim = (at: number): MetadataRecord => ({
  kind: 'RegisterController',
  controllerId: 1,
  incarnationId: id(1000 + at),
  zkMigrationReady: false,
  endPoints: [],
  features: [],
});
const topic = (at: number): MetadataRecord => ({ kind: 'Topic', name: `t${at}`, topicId: id(at) });
const names = (image: MetadataImage): string[] => [...image.topicsByName.keys()];
const unavailable = { code: 'store.unavailable' };
const wentBack = { code: 'store.wentBack' };

test('every batch is applied once and in order, however many there are', async () => {
  const { open, append } = world();
  for (let at = 0; at < 250; at++) await append(topic(at));
  const loader = open();
  await Promise.all([loader.catchUp(), loader.catchUp()]);
  expect(loader.image.nextOffset).toBe(250);
  expect(names(loader.image)).toEqual(Array.from({ length: 250 }, (_, at) => `t${at}`));
});

test('who asks does not wait for those who ask later', async () => {
  const { clock, state, open, append } = world();
  await append(topic(0));
  state.fault = () => ({ kind: 'delay', delayMs: 10 });
  const loader = open();
  let isAsking = true;
  const askAgain = (): void => {
    if (!isAsking) return;
    void loader.catchUp();
    clock.after(3, askAgain);
  };
  askAgain();
  let isAnswered = false;
  void loader.catchUp().then(() => {
    isAnswered = true;
  });
  await clock.advanceAndSettle(100);
  expect(isAnswered).toBe(true);
  isAsking = false;
  await clock.advanceAndSettle(100);
});

test('batches that come while it follows reach the listeners, in order of subscription, each awaited', async () => {
  const { clock, open, append } = world();
  const loader = open();
  const heard: string[] = [];
  loader.subscribe(async (image) => {
    heard.push(`first begins ${image.nextOffset}`);
    await new Promise<void>((resolve) => clock.after(50, resolve));
    heard.push(`first ends ${image.nextOffset}`);
  });
  loader.subscribe((image) => void heard.push(`second ${image.nextOffset}`));
  loader.start();
  await append(topic(0));
  await clock.advanceAndSettle(10);
  await append(topic(1));
  await clock.advanceAndSettle(500);
  expect(heard).toEqual([1, 2].flatMap((at) => [`first begins ${at}`, `first ends ${at}`, `second ${at}`]));
  loader.close();
});

test('a watch that went silent is noticed by looking', async () => {
  const { clock, state, open, append } = world();
  const loader = open();
  loader.start();
  await clock.settle();
  state.isWatchStalled = true;
  await append(topic(0));
  await clock.settle();
  expect(loader.image.nextOffset).toBe(0);
  await clock.advanceAndSettle(1000);
  expect(loader.image.nextOffset).toBe(1);
  loader.close();
});

test('a store that does not answer is asked again, and a closed loader asks no more', async () => {
  const { clock, state, open, append } = world();
  const loader = open();
  await append(topic(0));
  state.fault = () => ({ kind: 'fail' });
  await expect(loader.catchUp()).rejects.toMatchObject(unavailable);
  loader.start();
  await clock.advanceAndSettle(3000);
  state.fault = () => undefined;
  await clock.advanceAndSettle(1000);
  expect(loader.image.nextOffset).toBe(1);
  loader.close();
  await append(topic(1));
  await clock.advanceAndSettle(5000);
  expect(loader.image.nextOffset).toBe(1);
  expect(clock.nextDueMs()).toBeUndefined();
});

test('a listener that throws gets the same image again, and nobody gets a later one before', async () => {
  const { open, append } = world();
  const loader = open();
  const heard: string[] = [];
  let failures = 2;
  loader.subscribe((image) => void heard.push(`first ${image.nextOffset}`));
  loader.subscribe((image, delta) => {
    if (failures-- > 0) throw new Error('no');
    heard.push(`second ${image.nextOffset} ${[...delta.changedTopics]}`);
  });
  loader.subscribe((image) => void heard.push(`third ${image.nextOffset}`));
  await append(topic(0));
  await expect(loader.catchUp()).rejects.toThrow('no');
  await append(topic(1));
  await expect(loader.catchUp()).rejects.toThrow('no');
  expect(heard).toEqual(['first 1']);
  await loader.catchUp();
  expect(heard).toEqual(['first 1', 'second 1 t0', 'third 1', 'first 2', 'second 2 t1', 'third 2']);
});

test('a log trimmed past the reader is taken up from the snapshot, and what is gone is said to be gone', async () => {
  const { store, state, open, append } = world();
  const behind = open();
  const setting: MetadataRecord = { kind: 'Config', resourceType: 4, resourceName: '', name: 'x', value: '1' };
  await append(topic(0), topic(1), setting);
  await behind.catchUp();
  await append({ kind: 'RemoveTopic', topicId: id(0) }, { ...setting, value: null }, topic(2));
  const ahead = open();
  await ahead.catchUp();
  await store.writeSnapshot({ controllerEpoch: 1, offset: 2, chunks: encodeSnapshot(ahead.image) });
  await append(topic(3));
  await store.trim(2);
  const deltas: { removed: string[]; configs: string[]; changed: string[] }[] = [];
  behind.subscribe((_image, { removedTopics, changedConfigs, changedTopics }) => {
    const removed = removedTopics.map(({ name }) => name);
    deltas.push({ removed, configs: [...changedConfigs], changed: [...changedTopics] });
  });
  await behind.catchUp();
  expect(names(behind.image)).toEqual(['t1', 't2', 't3']);
  expect(deltas[0]).toEqual({ removed: ['t0'], configs: ['4/'], changed: ['t1', 't2'] });
  expect(deltas[1]).toEqual({ removed: [], configs: [], changed: ['t3'] });
  const fresh = open();
  await fresh.catchUp();
  expect(fresh.image).toEqual(behind.image);
  state.snapshot = undefined;
  await expect(open().catchUp()).rejects.toMatchObject(unavailable);
});

describe('a snapshot that takes the place of batches', () => {
  /** A reader of three batches; then the log goes back to `keeps` of them and on from there, past a snapshot. */
  async function overtaken(keeps: number, ...records: MetadataRecord[]) {
    const cluster = world();
    const { open, append, state, store } = cluster;
    await append(claim(1));
    const copies = [state.copy()];
    for (const at of [0, 1]) {
      await append(topic(at));
      copies.push(state.copy());
    }
    const behind = open();
    await behind.catchUp();
    const deltas: { removed: string[]; isCertain: boolean }[] = [];
    behind.subscribe((_, { removedTopics, isCertain }) => {
      deltas.push({ removed: removedTopics.map(({ name }) => name), isCertain });
    });
    state.goBackTo(copies[keeps - 1] as (typeof copies)[number]);
    for (const record of records) await append(record);
    const ahead = open();
    await ahead.catchUp();
    const { nextOffset: offset } = ahead.image;
    await store.writeSnapshot({ controllerEpoch: 1, offset, chunks: encodeSnapshot(ahead.image) });
    await store.trim(offset);
    return { ...cluster, behind, deltas };
  }

  test('tells what was removed where it comes of the log that was read', async () => {
    const { behind, deltas } = await overtaken(3, { kind: 'RemoveTopic', topicId: id(0) }, claim(2));
    await behind.catchUp();
    expect(deltas).toEqual([{ removed: ['t0'], isCertain: true }]);
  });

  test('is refused where it comes of a log that went back and on from there', async () => {
    const { behind, deltas } = await overtaken(2, claim(2), topic(7), topic(8));
    await expect(behind.catchUp()).rejects.toMatchObject(wentBack);
    expect([names(behind.image), deltas]).toEqual([['t0', 't1'], []]);
  });

  test('is refused also where only what was read last was trimmed, and what follows is there', async () => {
    const { behind, deltas, append } = await overtaken(1, claim(2), topic(7));
    await append(topic(8));
    await expect(behind.catchUp()).rejects.toMatchObject(wentBack);
    expect([names(behind.image), deltas]).toEqual([['t0', 't1'], []]);
  });

  test('removes nothing for certain where its terms do not reach back to what was read', async () => {
    const { open, append, state, store, clock } = world();
    await append(topic(0));
    const behind = open();
    await behind.catchUp();
    const heard: boolean[] = [];
    await append(claim(1), { kind: 'RemoveTopic', topicId: id(0) });
    const ahead = open();
    await ahead.catchUp();
    const { terms } = ahead.image;
    const image = { ...ahead.image, terms: terms.map((each) => ({ ...each, startOffset: 9 })) };
    await store.writeSnapshot({ controllerEpoch: 1, offset: 2, chunks: encodeSnapshot(image) });
    await store.trim(2);
    await behind.catchUp();
    expect(names(behind.image)).toEqual([]);
    // Whoever comes after that has not heard of it either.
    const attached = behind.attach((_, { isCertain }) => void heard.push(isCertain));
    await clock.advanceAndSettle(100);
    await attached;
    await append(topic(1));
    await behind.catchUp();
    expect([heard, state.end]).toEqual([[false, true], 3]);
  });
});

test('a reader whose last batch alone was trimmed reads on without a snapshot', async () => {
  const { store, open, append } = world();
  const loader = open();
  await append(topic(0));
  await loader.catchUp();
  await append(topic(1));
  await store.trim(1);
  await loader.catchUp();
  expect(names(loader.image)).toEqual(['t0', 't1']);
});

test('a store that ends before what was read from it is refused until it is whole again', async () => {
  const { state, clock, open, append } = world();
  const loader = open();
  await append(topic(0));
  await append(topic(1));
  await loader.catchUp();
  const { image } = loader;
  state.end = 1;
  await expect(loader.catchUp()).rejects.toMatchObject(wentBack);
  state.end = 0;
  await expect(loader.catchUp()).rejects.toMatchObject(wentBack);
  expect(loader.image).toBe(image);
  state.end = 2;
  await append(topic(2));
  await loader.catchUp();
  expect(names(loader.image)).toEqual(['t0', 't1', 't2']);
  await clock.settle();
});

test('a store that went back and was written to since is refused', async () => {
  const { state, open, append } = world();
  const loader = open();
  await append(topic(0));
  await append(topic(1));
  await loader.catchUp();
  state.end = 1;
  await append(topic(5));
  await append(topic(6));
  await expect(loader.catchUp()).rejects.toMatchObject(wentBack);
  expect(names(loader.image)).toEqual(['t0', 't1']);
});

test('a reader that came from a snapshot refuses a store that ends before it', async () => {
  const { state, store, open, append } = world();
  for (let at = 0; at < 3; at++) await append(topic(at));
  const first = open();
  await first.catchUp();
  await store.writeSnapshot({ controllerEpoch: 1, offset: 3, chunks: encodeSnapshot(first.image) });
  await store.trim(3);
  const loader = open();
  await loader.catchUp();
  state.end = 2;
  state.trimmedBelow = 0;
  await expect(loader.catchUp()).rejects.toMatchObject(wentBack);
});

test('who comes late hears of the image as it is, all of it as news, and of every later one', async () => {
  const { clock, open, append } = world();
  const loader = open();
  await append(topic(0));
  await loader.catchUp();
  const heard: string[][] = [];
  const attached = loader.attach((_, delta) => void heard.push([...delta.changedTopics]));
  await clock.advanceAndSettle(100);
  await attached;
  await append(topic(1));
  await loader.catchUp();
  expect(heard).toEqual([['t0'], ['t1']]);
});

test('until waits for an image that fits, through a store that is away', async () => {
  const { clock, state, open, append } = world();
  const loader = open();
  let isDone = false;
  const waiting = loader
    .until(({ topicsByName }) => topicsByName.has('t0'))
    .then(() => {
      isDone = true;
    });
  const mend = state.makeUnavailable();
  await clock.advanceAndSettle(5000);
  expect(isDone).toBe(false);
  mend();
  await append(topic(0));
  await clock.advanceAndSettle(200);
  await waiting;
  loader.close();
});

describe('the copy on the own disk', () => {
  const folder = '/data/copy';
  const copyOn = (disk: MemoryDisk): LocalCopy => new LocalCopy({ disk, folder, log: silentLogger });
  /** With somebody who acts on what it reads: only then is it known. */
  const loaderOn = (disk: MemoryDisk, { store, clock }: ReturnType<typeof world>): MetadataLoader => {
    const loader = new MetadataLoader({ store, clock, log: silentLogger, localCopy: copyOn(disk) });
    void loader.attach(() => {});
    return loader;
  };

  test('a broker that restarts knows what it knew, without the store', async () => {
    const cluster = world();
    const disk = new MemoryDisk();
    const first = loaderOn(disk, cluster);
    for (let at = 0; at < 5; at++) {
      await cluster.append(topic(at));
      await first.catchUp();
    }
    first.close();
    disk.kill();
    const again = loaderOn(disk, cluster);
    expect(again.image).toEqual(first.image);
    await cluster.append(topic(5));
    await again.catchUp();
    expect(names(again.image).at(-1)).toBe('t5');
  });

  test('a store that was put back while the broker was away is noticed, and nothing of it is applied', async () => {
    const cluster = world();
    const disk = new MemoryDisk();
    const first = loaderOn(disk, cluster);
    await cluster.append(topic(0));
    const earlier = cluster.state.copy();
    await cluster.append(topic(1));
    await first.catchUp();
    first.close();
    for (const other of [[], [topic(7)], [topic(7), topic(8)]]) {
      cluster.state.goBackTo(earlier);
      for (const record of other) await cluster.append(record);
      const again = loaderOn(disk, cluster);
      await expect(again.catchUp()).rejects.toMatchObject(wentBack);
      expect(names(again.image)).toEqual(['t0', 't1']);
      again.close();
    }
  });

  test('a store that went back is mended with what a broker still knows, and all go on from there', async () => {
    const cluster = world();
    const [first, second] = [cluster.open(), cluster.open()];
    await cluster.append(topic(0));
    const earlier = cluster.state.copy();
    await cluster.append(topic(1));
    await second.catchUp();
    await cluster.append(topic(2));
    await first.catchUp();
    cluster.state.goBackTo(earlier);
    await cluster.append(topic(9));
    for (const loader of [first, second]) await expect(loader.catchUp()).rejects.toMatchObject(wentBack);
    const offset = await restoreMetadata(cluster.store, first.image, id(77));
    expect(offset).toBe(4);
    await cluster.append(topic(3));
    for (const loader of [first, second, cluster.open()]) {
      await loader.catchUp();
      expect(names(loader.image)).toEqual(['t0', 't1', 't2', 't3']);
      expect(loader.image.nextOffset).toBe(5);
    }
  });

  for (const trims of [true, false]) {
    const kind = trims ? 'a store that trims' : 'a store that keeps batches until it needs their place';
    test(`a restore counts for whoever knew less, more or something else, on ${kind}`, async () => {
      const cluster = world();
      if (!trims) cluster.store.trim = async () => {};
      const [atEnd, elsewhere, best, further] = [cluster.open(), cluster.open(), cluster.open(), cluster.open()];
      await cluster.append(claim(1));
      await cluster.append(topic(0));
      await atEnd.catchUp();
      const earlier = cluster.state.copy();
      await cluster.append(topic(1));
      await best.catchUp();
      await cluster.append(topic(2));
      await further.catchUp();
      cluster.state.goBackTo(earlier);
      for (const record of [claim(2), topic(8), topic(9)]) await cluster.append(record);
      await elsewhere.catchUp();
      cluster.state.goBackTo(earlier);
      const deltas: [number, string[], boolean][] = [];
      for (const [at, loader] of [atEnd, elsewhere, best, further].entries()) {
        loader.subscribe((_, { removedTopics, isCertain }) => {
          deltas.push([at, removedTopics.map(({ name }) => name), isCertain]);
        });
      }
      for (const record of [claim(2), topic(8), topic(9)]) await cluster.append(record);
      await restoreMetadata(cluster.store, best.image, id(77));
      for (const loader of [atEnd, elsewhere, best, further, cluster.open()]) {
        await loader.catchUp();
        expect([names(loader.image), loader.image.nextOffset]).toEqual([['t0', 't1'], 6]);
      }
      // What a restore gave up was never removed by anybody, so nothing may be deleted for it.
      expect(deltas).toEqual([
        [0, [], true],
        [1, ['t8', 't9'], false],
        [2, [], true],
        [3, ['t2'], false],
      ]);
    });
  }

  test('who knew as much as the restore gave up, and something else at its end, is not taken in by it', async () => {
    const cluster = world();
    const [behind, ahead] = [cluster.open(), cluster.open()];
    await cluster.append(claim(1));
    await behind.catchUp();
    const earlier = cluster.state.copy();
    for (const at of [0, 1]) await cluster.append(topic(at));
    await ahead.catchUp();
    cluster.state.goBackTo(earlier);
    expect(await restoreMetadata(cluster.store, behind.image, id(77))).toBeLessThan(ahead.image.nextOffset);
    await expect(ahead.catchUp()).rejects.toMatchObject(wentBack);
    for (const at of [5, 6]) await cluster.append(topic(at));
    await expect(ahead.catchUp()).rejects.toMatchObject(wentBack);
  });

  test('a restore that was cut off is done again', async () => {
    const cluster = world();
    const [first, second] = [cluster.open(), cluster.open()];
    await cluster.append(claim(1));
    await second.catchUp();
    await cluster.append(topic(0));
    await first.catchUp();
    cluster.state.goBackTo({ ...cluster.state.copy(), end: 1 });
    const { append } = cluster.store;
    let left = 1;
    cluster.store.append = (offset, payload) => {
      if (left-- > 0) return append.call(cluster.store, offset, payload);
      return Promise.reject(new Error('cut off'));
    };
    await expect(restoreMetadata(cluster.store, first.image, id(76))).rejects.toThrow('cut off');
    const early = cluster.open();
    await early.catchUp().catch(() => {});
    expect(names(early.image)).toEqual(['t0']);
    cluster.store.append = append.bind(cluster.store);
    // From another copy: whoever read the snapshot of the first must not take it for that of the second.
    await restoreMetadata(cluster.store, second.image, id(77));
    for (const loader of [first, second, early, cluster.open()]) {
      await loader.catchUp();
      expect(names(loader.image)).toEqual([]);
    }
  });

  test('the copy says what was acted on, not what was only read', async () => {
    const cluster = world();
    const disk = new MemoryDisk();
    const open = (): MetadataLoader => new MetadataLoader({ ...cluster, log: silentLogger, localCopy: copyOn(disk) });
    const first = open();
    await cluster.append(topic(0));
    await first.catchUp();
    first.subscribe(() => {});
    await cluster.append(topic(1));
    await first.catchUp();
    // Who only hears of images does not put them into effect.
    expect(open().image.nextOffset).toBe(0);
    const attach = async (loader: MetadataLoader, listener: () => void): Promise<void> => {
      const attached = loader.attach(listener);
      await cluster.clock.advanceAndSettle(100);
      await attached;
    };
    const before: number[] = [];
    await attach(first, () => void before.push(first.actedOn.nextOffset));
    expect([...before, first.actedOn.nextOffset, open().image.nextOffset]).toEqual([0, 2, 2]);
    first.subscribe(() => {
      throw new Error('killed');
    });
    await cluster.append({ kind: 'RemoveTopic', topicId: id(0) });
    await expect(first.catchUp()).rejects.toThrow('killed');
    // Whoever did not come to delete the topic finds out again that it was there.
    const again = open();
    await again.catchUp();
    expect([names(again.actedOn), names(again.image)]).toEqual([['t0', 't1'], ['t1']]);
  });

  test('what a power loss tore counts for nothing, and what is whole before it still does', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const cluster = world();
      const disk = new MemoryDisk();
      disk.makeFolder('/data');
      disk.syncFolder('/');
      const first = loaderOn(disk, cluster);
      for (let at = 0; at < 8; at++) {
        await cluster.append(topic(at));
        await first.catchUp();
      }
      disk.powerLoss(new SeededRandom(seed));
      const again = loaderOn(disk, cluster);
      expect(names(again.image)).toEqual(names(first.image).slice(0, again.image.topicsByName.size));
      await again.catchUp();
      expect(again.image).toEqual(first.image);
      again.close();
    }
  });

  test('a large log leaves a snapshot and a short tail', async () => {
    const cluster = world();
    const disk = new MemoryDisk();
    const first = loaderOn(disk, cluster);
    for (let batch = 0; batch < 60; batch++) {
      await cluster.append(...Array.from({ length: 800 }, (_, at) => topic((batch % 2) * 800 + at)));
      await first.catchUp();
    }
    expect(disk.stat(`${folder}/tail`)?.sizeBytes).toBeLessThan(1_200_000);
    expect(copyOn(disk).read()?.image).toEqual(first.image);
  });
});

test('the feed of changes tells who asked for what, and nothing of what nobody asked for', async () => {
  const { open, append } = world();
  const loader = open();
  const origin: MetadataRecord = {
    kind: 'ChangeOrigin',
    principal: 'User:alice',
    host: '10.0.0.1',
    clientId: 'kubectl',
    requestApiKey: 19,
    recordCount: 1,
  };
  const config: MetadataRecord = {
    kind: 'Config',
    resourceType: 2,
    resourceName: 't0',
    name: 'retention.ms',
    value: '1',
  };
  await append(origin, topic(0));
  await append(topic(1));
  await append({ ...origin, principal: 'User:bob', requestApiKey: 44 }, config);
  await append({ ...origin, requestApiKey: 20 }, { kind: 'RemoveTopic', topicId: id(0) });
  await loader.catchUp();
  const told = loader.changes
    .from(0)
    ?.map((change) => [change.offset, change.principal, change.resourceName, change.change]);
  expect(told).toEqual([
    [0, 'User:alice', 't0', 'created'],
    [2, 'User:bob', '2/t0', 'altered'],
    [3, 'User:alice', 't0', 'deleted'],
  ]);
  expect(loader.changes.from(3)?.length).toBe(1);
  let woken = 0;
  loader.changes.onNext(() => woken++);
  await append(topic(2));
  await loader.catchUp();
  expect([woken, loader.changes.nextOffset]).toEqual([1, 5]);
});

test('a change is told of whoever asked for it, however the log cuts it, and once it is whole', async () => {
  const { open, append } = world();
  const loader = open();
  const asked = (principal: string, recordCount: number): MetadataRecord => ({
    kind: 'ChangeOrigin',
    principal,
    host: '10.0.0.1',
    clientId: null,
    requestApiKey: 19,
    recordCount,
  });
  const claim: MetadataRecord = {
    kind: 'RegisterController',
    controllerId: 1,
    incarnationId: id(9),
    zkMigrationReady: false,
    endPoints: [],
    features: [],
  };
  // Something of the controller's own stands behind Alice's change in one batch; Bob's is spread over two.
  await append(asked('User:alice', 1), topic(0), topic(1));
  await append({ kind: 'BeginTransaction', name: null }, asked('User:bob', 2), topic(2));
  await loader.catchUp();
  expect(loader.changes.from(0)?.length).toBe(1);
  await append(topic(3), { kind: 'EndTransaction' }, topic(4));
  // Carol's controller died in the middle of it.
  await append({ kind: 'BeginTransaction', name: null }, asked('User:carol', 2), topic(5));
  await append(claim, topic(6));
  await loader.catchUp();
  expect(
    loader.changes.from(0)?.map(({ offset, principal, resourceName }) => [offset, principal, resourceName]),
  ).toEqual([
    [0, 'User:alice', 't0'],
    [2, 'User:bob', 't2'],
    [2, 'User:bob', 't3'],
  ]);
});
