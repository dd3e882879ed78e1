/** The contract of the coordination store: the same checks for every implementation. */
import { describe, expect, test } from 'vitest';
import { MemoryDisk } from '../std/sim/memory-disk.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import { type CoordinationStore, FilesStore, MemoryStore, MemoryStoreState } from './mod.ts';

interface Subject {
  readonly clock: SimClock;
  /** Another process at the same store. */
  readonly open: () => CoordinationStore;
}

const subjects: Record<string, () => Subject> = {
  memory() {
    const clock = new SimClock();
    const state = new MemoryStoreState();
    return { clock, open: () => new MemoryStore(state, clock) };
  },
  files() {
    const clock = new SimClock();
    const random = new SeededRandom(7);
    const disk = new MemoryDisk();
    disk.makeFolder('/store');
    return { clock, open: () => new FilesStore({ disk, clock, random, folder: '/store' }) };
  },
};

const bytes = (text: string): Buffer => Buffer.from(text);
const texts = (batches: readonly { payload: Buffer }[]): string[] => batches.map(({ payload }) => payload.toString());

for (const [kind, create] of Object.entries(subjects)) {
  describe(`${kind} store`, () => {
    test('batches are read back in order', async () => {
      const store = create().open();
      for (let i = 0; i < 5; i++) await store.append(i, bytes(`batch ${i}`));
      expect(await store.end()).toBe(5);
      expect(texts(await store.read(1, 3))).toEqual(['batch 1', 'batch 2', 'batch 3']);
    });

    test('an offset is taken once, whoever tries', async () => {
      const { open } = create();
      const [first, second] = [open(), open()];
      await first.append(0, bytes('a'));
      await expect(second.append(0, bytes('b'))).rejects.toMatchObject({ code: 'store.conflict' });
      await expect(first.append(0, bytes('a'))).rejects.toMatchObject({ code: 'store.conflict' });
      expect(texts(await second.read(0, 10))).toEqual(['a']);
    });

    test('no offset is skipped', async () => {
      const store = create().open();
      await expect(store.append(3, bytes('x'))).rejects.toMatchObject({ code: 'store.conflict' });
      expect(await store.end()).toBe(0);
    });

    test('a writer that slept through a trim finds its offset taken', async () => {
      const { open } = create();
      const [sleeper, active] = [open(), open()];
      for (let i = 0; i < 4; i++) await active.append(i, bytes(`${i}`));
      // The sleeper read the end as 2 before others appended and trimmed; now it wakes and writes.
      await active.trim(4);
      await expect(sleeper.append(2, bytes('late'))).rejects.toMatchObject({ code: 'store.conflict' });
      await expect(open().append(2, bytes('late'))).rejects.toMatchObject({ code: 'store.conflict' });
      await expect(active.read(2, 1)).rejects.toMatchObject({ code: 'store.conflict' });
      await active.append(4, bytes('4'));
      expect(texts(await sleeper.read(4, 1))).toEqual(['4']);
    });

    test('a fresh process sees all of it', async () => {
      const { open } = create();
      const store = open();
      for (let i = 0; i < 3; i++) await store.append(i, bytes(`${i}`));
      await store.trim(2);
      const fresh = open();
      expect(await fresh.end()).toBe(3);
      expect(texts(await fresh.read(2, 9))).toEqual(['2']);
    });

    test('a lease is held by one until it runs out, and its epoch grows with the holder', async () => {
      const { open, clock } = create();
      const [a, b] = [open(), open()];
      expect(await a.acquireLease('a', 1000)).toMatchObject({ holder: 'a', epoch: 1 });
      expect(await b.acquireLease('b', 1000)).toMatchObject({ holder: 'a' });
      clock.elapse(900);
      expect(await a.acquireLease('a', 1000)).toMatchObject({ holder: 'a', epoch: 1 });
      clock.elapse(900);
      expect(await b.acquireLease('b', 1000)).toMatchObject({ holder: 'a' });
      clock.elapse(200);
      expect(await b.acquireLease('b', 1000)).toMatchObject({ holder: 'b', epoch: 2 });
      await b.releaseLease('b');
      expect(await a.acquireLease('a', 1000)).toMatchObject({ holder: 'a', epoch: 3 });
    });

    test('a snapshot only moves forward', async () => {
      const { open } = create();
      const store = open();
      expect(await store.readSnapshot()).toBeUndefined();
      await store.writeSnapshot({ controllerEpoch: 1, offset: 10, chunks: [bytes('a'), bytes('b')] });
      await expect(store.writeSnapshot({ controllerEpoch: 2, offset: 9, chunks: [] })).rejects.toMatchObject({
        code: 'store.conflict',
      });
      await store.writeSnapshot({ controllerEpoch: 2, offset: 20, chunks: [bytes('c')] });
      const read = await open().readSnapshot();
      expect(read).toMatchObject({ controllerEpoch: 2, offset: 20 });
      expect(read?.chunks.map(String)).toEqual(['c']);
    });

    test('watchers hear of appends by others', async () => {
      const { open, clock } = create();
      const [a, b] = [open(), open()];
      let heard = 0;
      const stop = b.watch(() => heard++);
      await a.append(0, bytes('x'));
      clock.advance(1000);
      expect(heard).toBeGreaterThan(0);
      stop();
      await a.append(1, bytes('y'));
      const before = heard;
      clock.advance(1000);
      expect(heard).toBe(before);
    });
  });
}

test('files: what was appended survives power loss, and a torn writer leaves nothing', async () => {
  for (let seed = 0; seed < 30; seed++) {
    const clock = new SimClock();
    const random = new SeededRandom(seed);
    const disk = new MemoryDisk();
    disk.makeFolder('/store');
    disk.syncFolder('/');
    const store = new FilesStore({ disk, clock, random, folder: '/store' });
    for (let i = 0; i < 5; i++) await store.append(i, bytes(`batch ${i}`));
    disk.powerLoss(random);
    const again = new FilesStore({ disk, clock, random, folder: '/store' });
    expect(texts(await again.read(0, 9))).toEqual(['batch 0', 'batch 1', 'batch 2', 'batch 3', 'batch 4']);
    await again.append(5, bytes('batch 5'));
  }
});

test('memory: an append whose answer was lost has taken effect, one that failed has not', async () => {
  const clock = new SimClock();
  const state = new MemoryStoreState();
  const store = new MemoryStore(state, clock);
  state.fault = (operation) => (operation === 'append' ? { kind: 'lost' } : undefined);
  await expect(store.append(0, bytes('a'))).rejects.toMatchObject({ code: 'store.unavailable' });
  state.fault = (operation) => (operation === 'append' ? { kind: 'fail' } : undefined);
  await expect(store.append(1, bytes('b'))).rejects.toMatchObject({ code: 'store.unavailable' });
  expect(await store.end()).toBe(1);
});
