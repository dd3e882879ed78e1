/** The contract of the coordination store on the stores that need nothing but this process. */
import { expect, test } from 'vitest';
import { describeStore, type StoreKind } from '../../test/support/store-contract.ts';
import type { Disk, DiskFile } from '../std/mod.ts';
import { MemoryDisk } from '../std/sim/memory-disk.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import { skewedClock } from '../std/sim/skewed-clock.ts';
import { FilesStore, MemoryStore, MemoryStoreState, type StoreFault, WriteBudget } from './mod.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const texts = (batches: readonly { payload: Buffer }[]): string[] => batches.map(({ payload }) => payload.toString());

function simulated(clock: SimClock) {
  return {
    elapse: (ms: number) => clock.advanceAndSettle(ms),
    async until(isSo: () => boolean): Promise<void> {
      for (let step = 0; step < 100 && !isSo(); step++) await clock.advanceAndSettle(100);
      expect(isSo()).toBe(true);
    },
    jumpWallClocks(ms: number): void {
      clock.skewMs += ms;
    },
  };
}

const memory: StoreKind = {
  name: 'memory',
  async create() {
    const clock = new SimClock();
    const state = new MemoryStoreState();
    const once = (fault: StoreFault): void => {
      state.fault = (operation) => {
        if (operation !== 'append') return undefined;
        state.fault = () => undefined;
        return fault;
      };
    };
    return {
      ...simulated(clock),
      open: async (skewMs = 0) => new MemoryStore(state, skewedClock(clock, skewMs)),
      failNextAppend: (fault) => once({ kind: fault === 'before' ? 'fail' : 'lost' }),
      putNextAppendToSleep() {
        once({ kind: 'delay', delayMs: 5000 });
        return { isAsleep: Promise.resolve(), wake: () => void clock.advance(5000) };
      },
      makeUnavailable: () => state.makeUnavailable(),
      slowDown(delayMs) {
        state.fault = () => ({ kind: 'late', delayMs });
      },
      cutWatches() {
        const comeBack = state.cutWatches();
        clock.after(300, comeBack);
      },
      stallWatches() {
        state.isWatchStalled = true;
      },
      async remember() {
        const contents = state.copy();
        return async () => state.goBackTo(contents);
      },
    };
  },
};

/** A disk that can be away, and that can stop a writer just before it gives its file a name. */
class FaultyDisk {
  isAway = false;
  sleeper: { readonly isAsleep: () => void; readonly wake: Promise<void> } | undefined;

  wrap(disk: MemoryDisk): Disk {
    return new Proxy(disk as Disk, {
      get: (target, key) => {
        const member = Reflect.get(target, key) as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          if (this.isAway) throw Object.assign(new Error('EIO: the disk is away'), { code: 'EIO' });
          const result = member.apply(target, args);
          return key === 'open' ? this.wrapFile(result as DiskFile) : result;
        };
      },
    });
  }

  private wrapFile(file: DiskFile): DiskFile {
    const datasync = file.datasync.bind(file);
    file.datasync = async () => {
      await datasync();
      const { sleeper } = this;
      this.sleeper = undefined;
      sleeper?.isAsleep();
      await sleeper?.wake;
    };
    return file;
  }
}

const files: StoreKind = {
  name: 'files',
  cannot: ['slowDown', 'cutWatches', 'stallWatches'],
  async create() {
    const clock = new SimClock();
    const random = new SeededRandom(7);
    const disk = new MemoryDisk({ clock });
    const faults = new FaultyDisk();
    disk.makeFolder('/store');
    return {
      ...simulated(clock),
      open: async (skewMs = 0) =>
        new FilesStore({ disk: faults.wrap(disk), clock: skewedClock(clock, skewMs), random, folder: '/store' }),
      failNextAppend(fault) {
        const path = fault === 'before' ? /log\/.*\.tmp$/ : /log$/;
        disk.inject({ operation: 'datasync', path, kind: 'EIO', times: 1 });
      },
      putNextAppendToSleep() {
        const asleep = Promise.withResolvers<void>();
        const awake = Promise.withResolvers<void>();
        faults.sleeper = { isAsleep: asleep.resolve, wake: awake.promise };
        return { isAsleep: asleep.promise, wake: awake.resolve };
      },
      makeUnavailable() {
        faults.isAway = true;
        return () => {
          faults.isAway = false;
        };
      },
      async remember() {
        const kept = new Map(disk.list('/store/log').map((name) => [name, disk.readFile(`/store/log/${name}`)]));
        return async () => {
          for (const name of disk.list('/store/log')) if (!kept.has(name)) disk.removeFile(`/store/log/${name}`);
        };
      },
    };
  },
};

for (const kind of [memory, files]) describeStore(kind);

test('memory: faults meet one caller and spare the other', async () => {
  const clock = new SimClock();
  const state = new MemoryStoreState();
  const [a, b] = ['a', 'b'].map((caller) => new MemoryStore(state, clock, { caller }));
  const restore = state.makeUnavailable((caller) => caller === 'a');
  let heard = 0;
  a?.watch(() => heard++);
  state.isWatchStalled = (caller) => caller === 'a';
  await b?.append(0, bytes('x'));
  await expect(a?.end()).rejects.toMatchObject({ code: 'store.unavailable' });
  restore();
  expect(await a?.end()).toBe(1);
  expect(heard).toBe(0);
});

test('memory: what is written counts against the budget, snapshots too', async () => {
  const clock = new SimClock();
  const writeBudget = new WriteBudget({ bytesMax: 100, windowMs: 1000, monotonicMs: () => clock.monotonicMs() });
  const store = new MemoryStore(new MemoryStoreState(), clock, { writeBudget });
  await store.append(0, Buffer.alloc(60));
  expect(writeBudget.waitMs('admin')).toBe(0);
  await store.writeSnapshot({ controllerEpoch: 1, offset: 1, chunks: [Buffer.alloc(40), Buffer.alloc(10)] });
  expect(writeBudget.waitMs('admin')).toBe(100);
  await store.append(1, Buffer.alloc(1));
  clock.elapse(110);
  expect(writeBudget.waitMs('admin')).toBe(0);
});

test('memory: as a ring it takes no batch until a snapshot covers the one that it replaces', async () => {
  const state = new MemoryStoreState();
  state.ringBatches = 4;
  const store = new MemoryStore(state, new SimClock());
  for (let offset = 0; offset < 4; offset++) await store.append(offset, bytes(`${offset}`));
  const full = { code: 'store.conflict', context: { snapshotBelow: 1 } };
  await expect(store.append(4, bytes('4'))).rejects.toMatchObject(full);
  await store.writeSnapshot({ controllerEpoch: 1, offset: 1, chunks: [] });
  await store.append(4, bytes('4'));
  await expect(store.append(5, bytes('5'))).rejects.toMatchObject({ context: { snapshotBelow: 2 } });
  await expect(store.read(0, 9)).rejects.toMatchObject({ code: 'store.conflict' });
  expect(texts(await store.read(1, 9))).toEqual(['1', '2', '3', '4']);
});

interface FilesWorld {
  readonly clock: SimClock;
  readonly random: SeededRandom;
  readonly disk: MemoryDisk;
  readonly open: () => FilesStore;
}

function filesWorld(seed: number): FilesWorld {
  const clock = new SimClock();
  const random = new SeededRandom(seed);
  const disk = new MemoryDisk({ clock });
  disk.makeFolder('/store');
  disk.syncFolder('/');
  return { clock, random, disk, open: () => new FilesStore({ disk, clock, random, folder: '/store' }) };
}

test('files: what was appended or trimmed survives power loss, and a torn writer leaves nothing', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const { disk, random, open } = filesWorld(seed);
    const store = open();
    for (let i = 0; i < 5; i++) await store.append(i, bytes(`batch ${i}`));
    await store.writeSnapshot({ controllerEpoch: 1, offset: 3, chunks: [bytes('snapshot')] });
    if (seed % 2 === 0) await store.trim(2);
    disk.powerLoss(random);
    const again = open();
    expect(texts(await again.read(2, 9))).toEqual(['batch 2', 'batch 3', 'batch 4']);
    expect((await again.readSnapshot())?.chunks.map(String)).toEqual(['snapshot']);
    await again.append(5, bytes('batch 5'));
    if (seed % 2 === 0) await expect(again.read(1, 1)).rejects.toMatchObject({ code: 'store.conflict' });
  }
});

test('files: what a reader saw of a writer that died before its sync survives power loss', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const { disk, random, open } = filesWorld(seed);
    await open().append(0, bytes('0'));
    // The writer gives its batch a name, and is killed before it can sync the folder.
    disk.inject({ operation: 'datasync', path: /log$/, kind: 'EIO', times: 1, skip: 1 });
    await expect(open().append(1, bytes('1'))).rejects.toMatchObject({ code: 'store.unavailable' });
    const reader = open();
    const seen = seed % 2 === 0 ? (await reader.read(0, 9)).length : await reader.end();
    expect(seen).toBe(2);
    disk.powerLoss(random);
    expect(texts(await open().read(0, 9))).toEqual(['0', '1']);
  }
});

test('files: a controller that cleans up leaves the chunks that another is writing', async () => {
  const { open } = filesWorld(1);
  const [old, next] = [open(), open()];
  await old.writeSnapshot({ controllerEpoch: 1, offset: 1, chunks: [bytes('a')] });
  await old.writeSnapshot({ controllerEpoch: 1, offset: 2, chunks: [bytes('b')] });
  const writing = next.writeSnapshot({ controllerEpoch: 2, offset: 9, chunks: ['c', 'd', 'e'].map(bytes) });
  const cleaning = old.writeSnapshot({ controllerEpoch: 1, offset: 3, chunks: [bytes('x')] });
  const [written] = await Promise.allSettled([writing, cleaning]);
  const read = await open().readSnapshot();
  if (written.status === 'fulfilled') expect(read?.chunks.map(String)).toEqual(['c', 'd', 'e']);
  else expect(read).toMatchObject({ offset: 3 });
  await next.writeSnapshot({ controllerEpoch: 2, offset: 9, chunks: ['c', 'd', 'e'].map(bytes) }).catch(() => {});
  expect((await open().readSnapshot())?.chunks.map(String)).toEqual(['c', 'd', 'e']);
});

test('files: the folder stays small however long the log runs', async () => {
  const { disk, open } = filesWorld(1);
  const store = open();
  for (let offset = 0; offset < 300; offset++) {
    await store.append(offset, bytes('x'));
    await store.leases.acquire('a', 1000);
    if (offset % 20 !== 0) continue;
    await store.writeSnapshot({ controllerEpoch: 1, offset, chunks: [bytes('s')] });
    await store.trim(offset - 20);
  }
  const counts = disk.list('/store').map((name) => disk.list(`/store/${name}`).length);
  expect(Math.max(...counts)).toBeLessThan(50);
});
