/** State in a partition: what is written counts once it is committed, and what is loaded is all of it. */
import { expect, test } from 'vitest';
import { batchLastOffset, buildBatch, ErrorCode } from '../protocol/mod.ts';
import { silentLogger } from '../std/mod.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import { type CoordinatorLog, type CoordinatorRecord, CoordinatorRuntime, type CoordinatorShard } from './mod.ts';

const COMMIT_TIMEOUT_MS = 5000;

/** A partition whose high watermark moves when the test says so. */
class FakeLog implements CoordinatorLog {
  leaderEpoch = 1;
  logStartOffset = 0;
  highWatermark = 0;
  readonly batches: Buffer[] = [];
  /** What the next reads do instead of reading. */
  readonly mishaps: (() => Buffer)[] = [];
  private waiting: { readonly offset: number; readonly done: (errorCode: number) => void }[] = [];

  get logEndOffset(): number {
    return this.batches.length;
  }

  append(batch: Buffer, _: unknown, done: (result: { errorCode: number; lastOffset: number }) => void): void {
    batch.writeBigInt64BE(BigInt(this.batches.length), 0);
    this.batches.push(batch);
    done({ errorCode: ErrorCode.NONE, lastOffset: batchLastOffset(batch, 0) });
  }

  awaitCommitted(offset: number, done: (errorCode: number) => void): () => void {
    const waiter = { offset, done };
    if (this.highWatermark >= offset) done(ErrorCode.NONE);
    else this.waiting.push(waiter);
    return () => {
      this.waiting = this.waiting.filter((each) => each !== waiter);
    };
  }

  commitAll(): void {
    this.highWatermark = this.logEndOffset;
    for (const { done } of this.waiting.splice(0)) done(ErrorCode.NONE);
  }

  get waiters(): number {
    return this.waiting.length;
  }

  async read({ offset }: { readonly offset: number }): Promise<Buffer> {
    const mishap = this.mishaps.shift();
    if (mishap !== undefined) return mishap();
    return offset < this.logStartOffset ? Buffer.alloc(0) : (this.batches[offset] ?? Buffer.alloc(0));
  }
}

class Words implements CoordinatorShard {
  readonly words: string[] = [];
  isUnloaded = false;

  replay({ key }: CoordinatorRecord): void {
    this.words.push(key.toString());
  }

  loaded(): void {}

  unloaded(): void {
    this.isUnloaded = true;
  }
}

const record = (word: string): CoordinatorRecord => ({ key: Buffer.from(word), value: null });

function world(words: readonly string[]) {
  const clock = new SimClock();
  const log = new FakeLog();
  for (const word of words) {
    log.append(buildBatch({ records: [{ timestamp: 1, ...record(word) }] }), {}, () => {});
  }
  log.commitAll();
  const runtime = new CoordinatorRuntime({
    clock,
    log: silentLogger,
    commitTimeoutMs: COMMIT_TIMEOUT_MS,
    create: () => new Words(),
  });
  const wordsNow = (): readonly string[] | number => {
    const shard = runtime.shard(0);
    return typeof shard === 'number' ? shard : shard.words;
  };
  return { clock, log, runtime, wordsNow };
}

test('all of a partition is replayed before anybody sees its state', async () => {
  const { clock, log, runtime, wordsNow } = world(['a', 'b', 'c']);
  expect(wordsNow()).toBe(ErrorCode.NOT_COORDINATOR);
  runtime.elected(0, log);
  expect(wordsNow()).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  await clock.settle();
  expect(wordsNow()).toEqual(['a', 'b', 'c']);
});

test('a partition that cannot be read, or whose start moves meanwhile, is loaded anew until it is whole', async () => {
  const { clock, log, runtime, wordsNow } = world(['a', 'b', 'c']);
  log.mishaps.push(
    () => {
      throw new Error('EIO');
    },
    () => {
      log.logStartOffset = 2;
      return Buffer.alloc(0);
    },
  );
  runtime.elected(0, log);
  for (let tries = 0; tries < 2; tries++) {
    await clock.settle();
    expect(wordsNow()).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    clock.step();
  }
  await clock.settle();
  expect(wordsNow()).toEqual(['c']);
});

test('a write is done when it is committed, and not before', async () => {
  const { clock, log, runtime } = world([]);
  runtime.elected(0, log);
  await clock.settle();
  const answers: number[] = [];
  runtime.write(0, [record('a')], (errorCode) => answers.push(errorCode));
  expect(answers).toEqual([]);
  log.commitAll();
  expect(answers).toEqual([ErrorCode.NONE]);
  while (clock.step()) {}
  expect(answers).toEqual([ErrorCode.NONE]);
});

test('a write that the other replicas do not take in time is answered, so that the client can try again', async () => {
  const { clock, log, runtime } = world([]);
  runtime.elected(0, log);
  await clock.settle();
  const answers: number[] = [];
  runtime.write(0, [record('a')], (errorCode) => answers.push(errorCode));
  clock.step(COMMIT_TIMEOUT_MS - 1);
  expect(answers).toEqual([]);
  while (clock.step()) {}
  expect(clock.monotonicMs()).toBe(COMMIT_TIMEOUT_MS);
  expect(answers).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE]);
  expect(log.waiters).toBe(0);
  log.commitAll();
  expect(answers).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE]);
});

test('a write of a coordinator that resigned meanwhile is not said to be done', async () => {
  const { clock, log, runtime } = world([]);
  runtime.elected(0, log);
  await clock.settle();
  const shard = runtime.shard(0);
  const answers: number[] = [];
  runtime.write(0, [record('a')], (errorCode) => answers.push(errorCode));
  runtime.resigned(0);
  log.commitAll();
  expect(answers).toEqual([ErrorCode.NOT_COORDINATOR]);
  expect(shard).toMatchObject({ isUnloaded: true });
});
