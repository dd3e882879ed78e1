/**
 * The contract of the coordination store: the same checks for every implementation, with the same faults where the
 * subject can bring them about. What a subject cannot do is skipped by name, so that the report shows it.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { BATCH_BYTES_MAX, type CoordinationStore, type Lease } from '../../broker/coordination/mod.ts';

/** How an append goes wrong: nothing happens, or it takes effect and the answer is lost. */
export type AppendFault = 'before' | 'after';

/** A writer that was stopped between having read the log and writing to it. */
export interface Sleeper {
  readonly isAsleep: Promise<void>;
  wake(): void;
}

export interface StoreSubject {
  /** Another process at the same store, whose wall clock is off by `skewMs`. */
  open(skewMs?: number): Promise<CoordinationStore>;
  elapse(ms: number): Promise<void>;
  /** Waits until something that takes a moment is so. */
  until(isSo: () => boolean): Promise<void>;
  jumpWallClocks?(ms: number): void;
  failNextAppend?(fault: AppendFault): void;
  putNextAppendToSleep?(): Sleeper;
  /** Nothing gets through until the returned function is called. */
  makeUnavailable?(): () => void;
  /** Answers take that long from now on. */
  slowDown?(ms: number): void;
  /** Watches in being end, and may come back. */
  cutWatches?(): void;
  /** Watches in being say nothing any more, without an end. */
  stallWatches?(): void;
  /** Puts the store back, later, to what it holds now. */
  remember?(): Promise<() => Promise<void>>;
  close?(): Promise<void>;
}

export interface StoreKind {
  readonly name: string;
  readonly create: () => Promise<StoreSubject>;
  /** The faults that the subject cannot bring about: what needs them is skipped. */
  readonly cannot?: readonly Exclude<keyof StoreSubject, 'open' | 'elapse' | 'until' | 'close'>[];
  /** Writers that race for one offset, and offsets that they race for. */
  readonly racers?: number;
  readonly raceOffsets?: number;
}

const LEASE_MS = 1000;
/** Well below the lease, and still enough for a real store to answer meanwhile. */
const STEP_MS = 600;

const bytes = (text: string): Buffer => Buffer.from(text);
const texts = (batches: readonly { readonly payload: Buffer }[]): string[] =>
  batches.map(({ payload }) => payload.toString());
const conflict = { code: 'store.conflict' };
const unavailable = { code: 'store.unavailable', retriable: true };

export function describeStore(kind: StoreKind): void {
  describe(`${kind.name} store`, () => {
    const created: StoreSubject[] = [];
    const opened: CoordinationStore[] = [];

    const create = async (): Promise<StoreSubject> => {
      const subject = await kind.create();
      created.push(subject);
      return {
        ...subject,
        async open(skewMs) {
          const store = await subject.open(skewMs);
          opened.push(store);
          return store;
        },
      };
    };
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((store) => store.close()));
      await Promise.all(created.splice(0).map((subject) => subject.close?.()));
    });
    const can = (what: NonNullable<typeof kind.cannot>[number]) => test.skipIf(kind.cannot?.includes(what) ?? false);

    async function fill(store: CoordinationStore, count: number, from = 0): Promise<void> {
      for (let offset = from; offset < from + count; offset++) await store.append(offset, bytes(`${offset}`));
    }

    describe('log', () => {
      test('batches are read back in order, as many as asked for', async () => {
        const store = await (await create()).open();
        expect([await store.end(), await store.read(0, 10)]).toEqual([0, []]);
        await fill(store, 5);
        expect(await store.end()).toBe(5);
        expect(texts(await store.read(1, 3))).toEqual(['1', '2', '3']);
        expect(texts(await store.read(0, 100))).toEqual(['0', '1', '2', '3', '4']);
        expect(await store.read(5, 10)).toEqual([]);
      });

      test('bytes come back as they went in', async () => {
        const store = await (await create()).open();
        const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
        await store.append(0, all);
        expect((await store.read(0, 1))[0]?.payload).toEqual(all);
      });

      test('an offset is taken once, whoever tries', async () => {
        const { open } = await create();
        const [first, second] = [await open(), await open()];
        await first.append(0, bytes('a'));
        await expect(second.append(0, bytes('b'))).rejects.toMatchObject(conflict);
        await expect(first.append(0, bytes('a'))).rejects.toMatchObject(conflict);
        expect(texts(await second.read(0, 10))).toEqual(['a']);
      });

      test('no offset is skipped', async () => {
        const { open } = await create();
        const store = await open();
        await expect(store.append(3, bytes('x'))).rejects.toMatchObject(conflict);
        await store.append(0, bytes('0'));
        await expect(store.append(2, bytes('x'))).rejects.toMatchObject(conflict);
        expect([await store.end(), await (await open()).end()]).toEqual([1, 1]);
      });

      test('a batch may have so many bytes and no more', async () => {
        const store = await (await create()).open();
        const whole = Buffer.alloc(BATCH_BYTES_MAX, 'x');
        await expect(store.append(0, Buffer.alloc(BATCH_BYTES_MAX + 1))).rejects.toMatchObject({
          code: 'store.tooLarge',
          context: { sizeBytes: BATCH_BYTES_MAX + 1, maxBytes: BATCH_BYTES_MAX },
        });
        await store.append(0, whole);
        expect((await store.read(0, 1))[0]?.payload.equals(whole)).toBe(true);
      });

      test('of many writers one wins each offset, and all agree who', async () => {
        const { open } = await create();
        const racers = kind.racers ?? 5;
        const offsets = kind.raceOffsets ?? 30;
        const stores = await Promise.all(Array.from({ length: racers }, () => open()));
        const won = await Promise.all(
          stores.map(async (store, racer) => {
            const mine: [number, string][] = [];
            for (let offset = await store.end(); offset < offsets; offset = await store.end()) {
              const text = `${racer} at ${offset}`;
              const isMine = await store.append(offset, bytes(text)).then(
                () => true,
                (error) => {
                  expect(error).toMatchObject(conflict);
                  return false;
                },
              );
              if (isMine) mine.push([offset, text]);
            }
            return mine;
          }),
        );
        const winners = won.flat().sort(([a], [b]) => a - b);
        expect(winners.map(([offset]) => offset)).toEqual(Array.from({ length: offsets }, (_, offset) => offset));
        for (const store of [...stores, await open()]) {
          expect(texts(await store.read(0, 1000))).toEqual(winners.map(([, text]) => text));
        }
      });

      test('a writer that knows only what was trimmed finds its offset taken', async () => {
        const { open } = await create();
        const [sleeper, active] = [await open(), await open()];
        await fill(active, 2);
        expect(await sleeper.end()).toBe(2);
        await fill(active, 2, 2);
        await active.trim(4);
        await expect(sleeper.append(2, bytes('late'))).rejects.toMatchObject(conflict);
        await expect((await open()).append(2, bytes('late'))).rejects.toMatchObject(conflict);
        await active.append(4, bytes('4'));
        expect(texts(await sleeper.read(4, 9))).toEqual(['4']);
        expect([await sleeper.end(), await (await open()).end()]).toEqual([5, 5]);
      });

      test('what was trimmed is either still what it was, or refused', async () => {
        const { open } = await create();
        const store = await open();
        await fill(store, 6);
        await store.trim(4);
        await store.trim(2);
        const old = await store.read(1, 1).then(texts, (error) => error.code);
        expect([['1'], 'store.conflict']).toContainEqual(old);
        const fresh = await open();
        expect(await fresh.end()).toBe(6);
        expect(texts(await fresh.read(4, 9))).toEqual(['4', '5']);
      });

      can('putNextAppendToSleep')(
        'a writer asleep between its look and its write loses, also across a trim',
        async () => {
          const subject = await create();
          const [sleeper, active] = [await subject.open(), await subject.open()];
          await fill(active, 2);
          const sleep = subject.putNextAppendToSleep?.() as Sleeper;
          const outcome = sleeper.append(2, bytes('late')).then(
            () => 'written',
            (error) => error.code,
          );
          await sleep.isAsleep;
          await fill(active, 4, 2);
          await active.trim(5);
          sleep.wake();
          expect(await outcome).toBe('store.conflict');
          await active.append(6, bytes('6'));
          for (const store of [sleeper, active, await subject.open()]) {
            expect(await store.end()).toBe(7);
            expect(texts(await store.read(5, 9))).toEqual(['5', '6']);
          }
        },
      );
    });

    describe('lease', () => {
      test('one holds it until it was seen unchanged for its duration; its epoch grows', async () => {
        const { open, elapse } = await create();
        const [a, b] = [await open(), await open()];
        expect(await a.leases.read()).toBeUndefined();
        expect(await a.leases.acquire('a', LEASE_MS)).toMatchObject({ holder: 'a', epoch: 1, durationMs: LEASE_MS });
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a', epoch: 1 });
        await elapse(STEP_MS);
        expect(await a.leases.acquire('a', LEASE_MS)).toMatchObject({ holder: 'a', epoch: 1 });
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a' });
        await elapse(STEP_MS);
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a' });
        await elapse(STEP_MS);
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'b', epoch: 2 });
        expect(await a.leases.acquire('a', LEASE_MS)).toMatchObject({ holder: 'b', epoch: 2 });
        expect(await a.leases.read()).toMatchObject({ holder: 'b', epoch: 2 });
      });

      test('one that was given up is free at once, and only its holder gives it up', async () => {
        const { open } = await create();
        const [a, b] = [await open(), await open()];
        await a.leases.acquire('a', LEASE_MS);
        await b.leases.release('b');
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a' });
        await a.leases.release('a');
        expect(await b.leases.read()).toMatchObject({ holder: '', epoch: 1 });
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'b', epoch: 2 });
      });

      test('a process that just came waits the whole duration, however old the lease is', async () => {
        const { open, elapse } = await create();
        await (await open()).leases.acquire('a', LEASE_MS);
        await elapse(2 * LEASE_MS);
        const late = await open();
        expect(await late.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a' });
        await elapse(STEP_MS);
        expect(await late.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a' });
        await elapse(STEP_MS);
        expect(await late.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'b' });
      });

      test('who restarts under the same name has it still', async () => {
        const { open } = await create();
        await (await open()).leases.acquire('a', LEASE_MS);
        expect(await (await open()).leases.acquire('a', LEASE_MS)).toMatchObject({ holder: 'a', epoch: 1 });
      });

      test('wall clocks that are days apart agree', async () => {
        const { open, elapse } = await create();
        const [a, b] = [await open(-86_400_000), await open(86_400_000)];
        await a.leases.acquire('a', LEASE_MS);
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a' });
        await elapse(STEP_MS);
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a' });
        await elapse(STEP_MS);
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'b' });
        expect(await a.leases.acquire('a', LEASE_MS)).toMatchObject({ holder: 'b' });
      });

      can('jumpWallClocks')('wall clocks that jump change nothing', async () => {
        const subject = await create();
        const [a, b] = [await subject.open(), await subject.open()];
        await a.leases.acquire('a', LEASE_MS);
        for (const jumpMs of [3_600_000, -7_200_000, 86_400_000]) {
          expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a' });
          subject.jumpWallClocks?.(jumpMs);
        }
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'a' });
        await subject.elapse(2 * STEP_MS);
        expect(await b.leases.acquire('b', LEASE_MS)).toMatchObject({ holder: 'b' });
      });

      test('it is taken from the dead at once, and from nobody who has written since', async () => {
        const { open } = await create();
        const [a, b, c] = [await open(), await open(), await open()];
        await a.leases.acquire('a', LEASE_MS);
        const seen = (await b.leases.read()) as Lease;
        await a.leases.acquire('a', LEASE_MS);
        expect(await b.leases.take('b', LEASE_MS, seen)).toMatchObject({ holder: 'a', epoch: 1 });
        const again = (await b.leases.read()) as Lease;
        expect(await b.leases.take('b', LEASE_MS, again)).toMatchObject({ holder: 'b', epoch: 2 });
        expect(await c.leases.take('c', LEASE_MS, again)).toMatchObject({ holder: 'b', epoch: 2 });
        expect(await a.leases.acquire('a', LEASE_MS)).toMatchObject({ holder: 'b', epoch: 2 });
      });

      test('of many who take it at once one gets it', async () => {
        const { open } = await create();
        const stores = await Promise.all(Array.from({ length: 4 }, () => open()));
        const first = await Promise.all(stores.map((store, at) => store.leases.acquire(`${at}`, LEASE_MS)));
        expect(new Set(first.map(({ holder }) => holder)).size).toBe(1);
        const from = first[0] as Lease;
        const taken = await Promise.all(stores.map((store, at) => store.leases.take(`taker ${at}`, LEASE_MS, from)));
        expect(new Set(taken.map(({ holder }) => holder)).size).toBe(1);
        expect(taken[0]).toMatchObject({ epoch: 2 });
      });
    });

    describe('snapshots', () => {
      test('they only move forward', async () => {
        const { open } = await create();
        const store = await open();
        expect(await store.readSnapshot()).toBeUndefined();
        await store.writeSnapshot({ controllerEpoch: 1, offset: 10, chunks: [bytes('a'), bytes('b')] });
        const older = { controllerEpoch: 2, offset: 9, chunks: [bytes('x')] };
        await expect(store.writeSnapshot(older)).rejects.toMatchObject(conflict);
        await expect(store.writeSnapshot({ ...older, controllerEpoch: 1, offset: 10 })).rejects.toMatchObject(conflict);
        expect(await (await open()).readSnapshot()).toMatchObject({ offset: 10, controllerEpoch: 1 });
        await store.writeSnapshot({ controllerEpoch: 2, offset: 20, chunks: [bytes('c')] });
        const read = await (await open()).readSnapshot();
        expect(read).toMatchObject({ controllerEpoch: 2, offset: 20 });
        expect(read?.chunks.map(String)).toEqual(['c']);
      });

      test('chunks come back as they were, large and small, for as long as snapshots follow one another', async () => {
        const { open } = await create();
        const store = await open();
        for (let round = 1; round <= 4; round++) {
          const large = Buffer.alloc(BATCH_BYTES_MAX + 1000 * round, `${round}`);
          await store.writeSnapshot({ controllerEpoch: 1, offset: round, chunks: [large, bytes(`${round}`)] });
          const read = await (await open()).readSnapshot();
          expect(read?.chunks.map(({ length }) => length)).toEqual([large.length, 1]);
          expect(read?.chunks[0]?.equals(large)).toBe(true);
        }
      });

      test('of two writers one moves the manifest, and readers see whole snapshots only', async () => {
        const { open } = await create();
        const [a, b, reader] = [await open(), await open(), await open()];
        let isWriting = true;
        const outcomes: string[] = [];
        const write = async (store: CoordinationStore, controllerEpoch: number): Promise<void> => {
          for (let offset = 1; offset <= 12; offset++) {
            const chunks = [0, 1, 2].map((index) => bytes(`${controllerEpoch}/${offset}/${index}`));
            const outcome = await store.writeSnapshot({ controllerEpoch, offset, chunks }).then(
              () => 'written',
              (error) => error.code,
            );
            outcomes.push(outcome);
          }
        };
        const read = async (): Promise<void> => {
          let seen = { offset: 0, controllerEpoch: 0 };
          while (isWriting) {
            const snapshot = await reader.readSnapshot();
            await new Promise<void>((resolve) => setImmediate(resolve));
            if (snapshot === undefined) continue;
            const { controllerEpoch, offset, chunks } = snapshot;
            expect(chunks.map(String)).toEqual([0, 1, 2].map((index) => `${controllerEpoch}/${offset}/${index}`));
            expect(offset).toBeGreaterThanOrEqual(seen.offset);
            seen = { offset, controllerEpoch };
          }
        };
        const reading = read();
        await Promise.all([write(a, 1), write(b, 2)]);
        isWriting = false;
        await reading;
        expect(outcomes.filter((outcome) => outcome !== 'written' && outcome !== 'store.conflict')).toEqual([]);
        expect(await reader.readSnapshot()).toMatchObject({ offset: 12 });
      });
    });

    describe('watch', () => {
      test('watchers hear of appends by others, until they stop', async () => {
        const { open, elapse, until } = await create();
        const [a, b] = [await open(), await open()];
        let heard = 0;
        const stop = b.watch(() => heard++);
        await elapse(STEP_MS);
        heard = 0;
        await a.append(0, bytes('x'));
        await until(() => heard > 0);
        stop();
        await elapse(STEP_MS);
        const before = heard;
        await a.append(1, bytes('y'));
        await elapse(STEP_MS);
        expect(heard).toBe(before);
      });

      test('watchers hear when the lease changes hands', async () => {
        const { open, elapse, until } = await create();
        const [a, b, watcher] = [await open(), await open(), await open()];
        const lease = await a.leases.acquire('a', LEASE_MS);
        let heard = 0;
        const stop = watcher.watch(() => heard++);
        await elapse(STEP_MS);
        heard = 0;
        await b.leases.take('b', LEASE_MS, lease);
        await until(() => heard > 0);
        stop();
      });

      can('cutWatches')('a watch that was cut comes back', async () => {
        const subject = await create();
        const [a, b] = [await subject.open(), await subject.open()];
        let heard = 0;
        const stop = b.watch(() => heard++);
        await subject.elapse(STEP_MS);
        for (let round = 0; round < 3; round++) {
          subject.cutWatches?.();
          heard = 0;
          await a.append(round, bytes('x'));
          await subject.until(() => heard > 0);
        }
        stop();
      });

      can('stallWatches')('what a silent watch does not tell, the end and a read tell', async () => {
        const subject = await create();
        const [a, b] = [await subject.open(), await subject.open()];
        const stop = b.watch(() => {});
        await subject.elapse(STEP_MS);
        expect(await b.end()).toBe(0);
        subject.stallWatches?.();
        await fill(a, 3);
        expect(await b.end()).toBe(3);
        expect(texts(await b.read(0, 9))).toEqual(['0', '1', '2']);
        stop();
      });
    });

    describe('faults', () => {
      can('failNextAppend')('an append without an answer happened or not, and the log tells which', async () => {
        const subject = await create();
        const store = await subject.open();
        await store.append(0, bytes('0'));
        await store.end();
        subject.failNextAppend?.('before');
        await expect(store.append(1, bytes('never'))).rejects.toMatchObject(unavailable);
        expect(await store.end()).toBe(1);
        await store.append(1, bytes('1'));
        await store.end();
        subject.failNextAppend?.('after');
        await expect(store.append(2, bytes('2'))).rejects.toMatchObject(unavailable);
        expect(await store.end()).toBe(3);
        expect(texts(await store.read(0, 9))).toEqual(['0', '1', '2']);
        await expect(store.append(2, bytes('other'))).rejects.toMatchObject(conflict);
        await store.append(3, bytes('3'));
      });

      can('makeUnavailable')(
        'while the store is away all fails as retriable, and afterwards it is as it was',
        async () => {
          const subject = await create();
          const store = await subject.open();
          await fill(store, 3);
          await store.writeSnapshot({ controllerEpoch: 1, offset: 2, chunks: [bytes('s')] });
          await store.trim(1);
          await store.leases.acquire('a', LEASE_MS);
          const restore = subject.makeUnavailable?.();
          const failures = await Promise.allSettled([
            store.append(3, bytes('x')),
            store.read(1, 5),
            store.end(),
            store.leases.acquire('a', LEASE_MS),
            store.leases.read(),
            store.leases.release('a'),
            store.readSnapshot(),
            store.writeSnapshot({ controllerEpoch: 1, offset: 3, chunks: [bytes('t')] }),
          ]);
          for (const failure of failures) {
            expect(failure).toMatchObject({ status: 'rejected', reason: unavailable });
          }
          restore?.();
          expect(await store.end()).toBe(3);
          expect(texts(await store.read(1, 9))).toEqual(['1', '2']);
          expect(await store.leases.read()).toMatchObject({ holder: 'a' });
          expect(await store.readSnapshot()).toMatchObject({ offset: 2 });
          await store.append(3, bytes('3'));
        },
      );

      can('slowDown')('a slow store is only slow', async () => {
        const subject = await create();
        const [a, b] = [await subject.open(), await subject.open()];
        subject.slowDown?.(100);
        let isDone = false;
        const work = (async () => {
          await fill(a, 2);
          await b.append(2, bytes('2'));
          expect(texts(await a.read(0, 9))).toEqual(['0', '1', '2']);
        })().finally(() => {
          isDone = true;
        });
        await subject.until(() => isDone);
        await work;
      });

      can('remember')('a store that went back says so, to those who knew better and to those who come', async () => {
        const subject = await create();
        const store = await subject.open();
        await fill(store, 3);
        const goBack = await subject.remember?.();
        await fill(store, 3, 3);
        expect(texts(await store.read(5, 9))).toEqual(['5']);
        await goBack?.();
        expect(await store.read(5, 9)).toEqual([]);
        expect([await store.end(), await (await subject.open()).end()]).toEqual([3, 3]);
        // Nobody who knows the log to its old end may write on as if nothing had happened.
        await expect(store.append(6, bytes('6'))).rejects.toMatchObject(conflict);
        expect(await store.end()).toBe(3);
        await (await subject.open()).append(3, bytes('another 3'));
        expect(texts(await store.read(2, 9))).toEqual(['2', 'another 3']);
      });
    });
  });
}
