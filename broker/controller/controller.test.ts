import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MemoryStore,
  MemoryStoreState,
  type StoreFault,
  type StoreOperation,
  WriteBudget,
} from '../coordination/mod.ts';
import { partitionChange } from '../metadata/image-fixture.ts';
import {
  decodeBatch,
  EMPTY_IMAGE,
  encodeBatch,
  ImageBuilder,
  type MetadataImage,
  MetadataLoader,
  type MetadataPosition,
  type MetadataRecord,
  positionOf,
  restoreMetadata,
} from '../metadata/mod.ts';
import { silentLogger } from '../std/mod.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import { Controller, type Decision } from './mod.ts';

const TERM = Buffer.alloc(16, 99).toString('base64url');

type Faults = (operation: StoreOperation) => StoreFault | undefined;

/** Brokers on one store, each with faults of its own. */
class World {
  readonly clock = new SimClock();
  readonly state = new MemoryStoreState();

  /** `life` seeds its randomness: a broker that restarts is not the one it was. */
  broker(nodeId: number, life = 0): Broker {
    return new Broker(this, nodeId, life);
  }

  /** Names written by `note`, in the order of the log. */
  notes(): string[] {
    return [...this.state.batches.values()]
      .flatMap((payload) => decodeBatch(payload).records)
      .flatMap((record) => (record.kind === 'Config' ? [record.name] : []));
  }

  epochs(): number[] {
    return [...this.state.batches.values()]
      .map((payload) => decodeBatch(payload))
      .flatMap(({ controllerEpoch, records }) =>
        records.some(({ kind }) => kind === 'RegisterController') ? [controllerEpoch] : [],
      );
  }
}

class Broker {
  faults: Faults = () => undefined;
  readonly writeBudget: WriteBudget;
  readonly loader: MetadataLoader;
  readonly controller: Controller;
  /** Names of the notes whose submit was answered, in the order of the answers. */
  readonly answered: string[] = [];
  readonly refused: string[] = [];
  /** What other brokers say that they have read. */
  peers: readonly { readonly position: MetadataPosition }[] = [];
  /** What the controller warned of. */
  readonly warnings: object[] = [];

  constructor({ clock, state }: World, nodeId: number, life: number) {
    const ownFaults = new Proxy(state, {
      get: (target, key) =>
        key === 'fault'
          ? (operation: StoreOperation) => this.faults(operation) ?? target.fault(operation)
          : Reflect.get(target, key),
    });
    this.writeBudget = new WriteBudget({
      bytesMax: 100_000,
      windowMs: 10_000,
      monotonicMs: () => clock.monotonicMs(),
    });
    const store = new MemoryStore(ownFaults, clock, { writeBudget: this.writeBudget });
    this.loader = new MetadataLoader({ store, clock, log: silentLogger });
    const random = new SeededRandom(nodeId + 100 * life);
    this.controller = new Controller({
      store,
      loader: this.loader,
      clock,
      random,
      log: { ...silentLogger, warn: (fields) => this.warnings.push(fields) },
      nodeId,
      directoryId: `directory-${nodeId}`,
      clusterId: 'cluster',
      endpoints: () => [],
      peerPositions: async () => this.peers,
    });
    this.loader.start();
    this.controller.start();
  }

  note(name: string, urgency?: 'admin'): void {
    this.controller.submit(write(name), urgency).then(
      () => this.answered.push(name),
      (error: { code: string }) => this.refused.push(error.code === 'store.fenced' ? name : String(error)),
    );
  }

  /** The process stops: nothing of it runs any more, and it says goodbye to nobody. */
  kill(): void {
    this.faults = () => ({ kind: 'fail' });
    void this.controller.close();
    this.loader.close();
  }
}

const record = (name: string, value = '1'): MetadataRecord => ({
  kind: 'Config',
  resourceType: 4,
  resourceName: '',
  name,
  value,
});
const write = (name: string) => (): Decision<string> => ({ records: [record(name)], result: name });

/** The fault meets the next operation of that kind, and no other. */
function once(broker: Broker, operation: StoreOperation, fault: StoreFault): void {
  broker.faults = (asked) => {
    if (asked !== operation) return undefined;
    broker.faults = () => undefined;
    return fault;
  };
}

async function activeBroker(world: World, nodeId = 1): Promise<Broker> {
  const broker = world.broker(nodeId);
  await world.clock.settle();
  expect(broker.controller.isActive).toBe(true);
  return broker;
}

describe('leading', () => {
  test('claiming takes the next epoch, after a restart and from another broker alike', async () => {
    const world = new World();
    const first = await activeBroker(world);
    expect(first.controller.epoch).toBe(1);
    expect(first.loader.image).toMatchObject({ controllerId: 1, controllerEpoch: 1 });
    first.kill();
    const again = world.broker(1, 1);
    await world.clock.settle();
    expect(again.controller.epoch).toBe(2);
    await again.controller.close();
    const other = await activeBroker(world, 2);
    expect(other.controller.epoch).toBe(3);
    expect(world.epochs()).toEqual([1, 2, 3]);
  });

  test('one broker leads while it renews its lease; the other follows once that ends', async () => {
    const world = new World();
    const first = await activeBroker(world);
    const second = world.broker(2);
    let isTold = false;
    void second.controller.awaitActive().then(() => {
      isTold = true;
    });
    await world.clock.advanceAndSettle(20_000);
    expect([first.controller.isActive, second.controller.isActive, isTold]).toEqual([true, false, false]);
    second.note('early');
    await world.clock.settle();
    expect(second.refused).toEqual(['early']);
    first.kill();
    await world.clock.advanceAndSettle(8500);
    expect([second.controller.isActive, isTold]).toEqual([true, true]);
  });

  test('closing gives the lease up, so that the next broker need not wait', async () => {
    const world = new World();
    const first = await activeBroker(world);
    const second = world.broker(2);
    await first.controller.close();
    expect(first.controller.isActive).toBe(false);
    await world.clock.advanceAndSettle(2000);
    expect(second.controller.isActive).toBe(true);
    first.note('late');
    await world.clock.settle();
    expect(first.refused).toEqual(['late']);
  });

  for (const operation of ['lease', 'append'] as const) {
    test(`a controller closed while its first ${operation} is under way does not lead afterwards`, async () => {
      const world = new World();
      world.state.lease = { holder: 'earlier', epoch: 1, durationMs: 1000, version: '0' };
      const { controller, ...broker } = world.broker(1);
      await world.clock.advanceAndSettle(1900);
      world.state.fault = (asked) => (asked === operation ? { kind: 'delay', delayMs: 500 } : undefined);
      await world.clock.advanceAndSettle(300);
      expect(controller.isActive).toBe(false);
      await controller.close();
      await world.clock.advanceAndSettle(3000);
      expect(controller.isActive).toBe(false);
      expect(world.state.lease).toMatchObject({ holder: '', epoch: 2 });
      broker.loader.close();
    });
  }

  test('of two that find the controller gone, the second leaves the lease to the first', async () => {
    const world = new World();
    const first = await activeBroker(world);
    const [second, third] = [world.broker(2), world.broker(3)];
    await world.clock.settle();
    first.kill();
    // The third has looked, and hears late of what the second did.
    third.faults = (operation) => (operation === 'lease' ? { kind: 'delay', delayMs: 200 } : undefined);
    const late = third.controller.takeOver(1);
    await second.controller.takeOver(1);
    expect([second.controller.isActive, world.state.lease?.holder]).toEqual([true, 'broker-2/directory-2']);
    await Promise.all([late, world.clock.advanceAndSettle(1000)]);
    expect([second.controller.isActive, third.controller.isActive]).toEqual([true, false]);
    expect([world.state.lease?.holder, world.epochs()]).toEqual(['broker-2/directory-2', [1, 2]]);
  });

  test('a lease that its holder gave up is taken at once by who finds it gone', async () => {
    const world = new World();
    const first = await activeBroker(world);
    const second = world.broker(2);
    await world.clock.settle();
    await first.controller.close();
    await second.controller.takeOver(1);
    expect(second.controller.isActive).toBe(true);
  });

  test('a controller that sees the lease with another steps down', async () => {
    const world = new World();
    const first = await activeBroker(world);
    world.state.lease = { holder: 'broker-2', epoch: 9, durationMs: 60_000, version: 'other' };
    await world.clock.advanceAndSettle(2000);
    expect(first.controller.isActive).toBe(false);
  });

  test('a claim whose answer was lost is not made twice', async () => {
    const world = new World();
    const broker = world.broker(1);
    once(broker, 'append', { kind: 'lost' });
    await world.clock.advanceAndSettle(1000);
    expect([broker.controller.isActive, world.epochs()]).toEqual([true, [1]]);
  });
});

describe('writing', () => {
  test('a decision sees what those before it wrote, and is answered when that is published', async () => {
    const world = new World();
    const { controller, loader } = await activeBroker(world);
    const count = (image: MetadataImage): number => image.configs.get('4/')?.size ?? 0;
    const seen = await Promise.all(
      ['a', 'b', 'c'].map((name) => controller.submit((image) => ({ records: [record(name)], result: count(image) }))),
    );
    expect(seen).toEqual([0, 1, 2]);
    expect(count(loader.image)).toBe(3);
  });

  test('what comes while an append is in flight goes into one batch', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    once(broker, 'append', { kind: 'delay', delayMs: 100 });
    for (let at = 0; at < 50; at++) broker.note(`n${at}`);
    await world.clock.settle();
    expect(broker.answered).toEqual([]);
    const { end } = world.state;
    await world.clock.advanceAndSettle(100);
    expect(broker.answered.length).toBe(50);
    expect(world.state.end - end).toBeLessThanOrEqual(2);
  });

  test('a decision that writes nothing is answered with those it was based on, not before', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    once(broker, 'append', { kind: 'delay', delayMs: 100 });
    broker.note('a');
    const order: string[] = [];
    void broker.controller.submit(write('b')).then(() => order.push('b'));
    void broker.controller
      .submit((image) => ({ records: [], result: image.configs.get('4/')?.has('b') }))
      .then((hasB) => order.push(`read ${hasB}`));
    await world.clock.settle();
    expect(order).toEqual([]);
    await world.clock.advanceAndSettle(100);
    expect(order).toEqual(['b', 'read true']);
  });

  test('a decision that throws is refused with its error, and the others go on', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    const thrown = broker.controller.submit(() => {
      throw new Error('no');
    });
    broker.note('a');
    await expect(thrown).rejects.toThrow('no');
    await world.clock.settle();
    expect(broker.answered).toEqual(['a']);
  });

  test('a value that cannot be encoded fails its own decision, and nothing else', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    once(broker, 'append', { kind: 'delay', delayMs: 100 });
    broker.note('first');
    broker.note('before');
    const broken = broker.controller.submit(() => ({ records: [record('x'.repeat(40_000))], result: 1 }));
    broker.note('after');
    await Promise.all([expect(broken).rejects.toThrow('at most 32767'), world.clock.advanceAndSettle(1000)]);
    expect(broker.answered).toEqual(['first', 'before', 'after']);
    expect([broker.controller.isActive, world.notes()]).toEqual([true, ['first', 'before', 'after']]);
  });

  for (const fault of [{ kind: 'fail' }, { kind: 'lost' }, { kind: 'delay', delayMs: 3000 }] as const) {
    test(`an append with the fault ${fault.kind} is answered, and stands in the log once`, async () => {
      const world = new World();
      const broker = await activeBroker(world);
      once(broker, 'append', fault);
      broker.note('a');
      await world.clock.advanceAndSettle(5000);
      broker.note('b');
      await world.clock.settle();
      expect(broker.answered).toEqual(['a', 'b']);
      expect(world.notes()).toEqual(['a', 'b']);
      expect(broker.controller.isActive).toBe(true);
    });
  }

  test('a lost answer is settled even when the store cannot be asked for a while', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    let left = 8;
    broker.faults = (operation) => {
      if (operation === 'lease' || left-- <= 0) return undefined;
      return operation === 'append' ? { kind: 'lost' } : { kind: 'fail' };
    };
    broker.note('a');
    await world.clock.advanceAndSettle(10_000);
    expect([broker.answered, world.notes()]).toEqual([['a'], ['a']]);
  });

  test('what is in the log but cannot be read back yet is answered once it can', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    broker.faults = (operation) => (operation === 'read' ? { kind: 'fail' } : undefined);
    broker.note('a');
    await world.clock.advanceAndSettle(1500);
    expect([broker.answered, world.notes()]).toEqual([[], ['a']]);
    broker.faults = () => undefined;
    await world.clock.advanceAndSettle(500);
    expect(broker.answered).toEqual(['a']);
  });

  test('an offset that another controller took deposes it: nothing that waited is answered as done', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    const payload = encodeBatch({ controllerEpoch: 2, records: [record('theirs')] });
    world.state.batches.set(world.state.end, payload);
    world.state.end += 1;
    broker.note('a');
    broker.note('b');
    await world.clock.settle();
    expect([broker.answered, broker.refused]).toEqual([[], ['a', 'b']]);
    expect([broker.controller.isActive, world.notes()]).toEqual([false, ['theirs']]);
    await world.clock.advanceAndSettle(2000);
    expect([broker.controller.isActive, broker.controller.epoch]).toEqual([true, 3]);
  });

  test('a controller that slept between reading and writing finds its offset taken', async () => {
    const world = new World();
    const first = await activeBroker(world);
    const second = world.broker(2);
    first.faults = () => ({ kind: 'delay', delayMs: 20_000 });
    first.note('slept');
    await world.clock.advanceAndSettle(10_000);
    expect([first.controller.isActive, second.controller.isActive]).toEqual([true, true]);
    second.note('awake');
    await world.clock.advanceAndSettle(5000);
    first.faults = () => undefined;
    await world.clock.advanceAndSettle(30_000);
    expect([first.answered, first.refused, second.answered]).toEqual([[], ['slept'], ['awake']]);
    expect([first.controller.isActive, second.controller.isActive]).toEqual([false, true]);
    expect(world.notes()).toEqual(['awake']);
  });

  test('a store that went back is not written to', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    broker.note('a');
    await world.clock.settle();
    world.state.end = 1;
    world.state.batches.delete(1);
    broker.note('b');
    await world.clock.advanceAndSettle(20_000);
    expect([broker.answered, broker.refused]).toEqual([['a'], ['b']]);
    expect([world.state.end, broker.controller.isActive]).toEqual([1, false]);
  });

  test('a batch that the store lost before it was read back is not answered as done, nor after a restore', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    broker.note('a');
    await world.clock.settle();
    const earlier = world.state.copy();
    const copy = broker.loader.image;
    once(broker, 'append', { kind: 'late', delayMs: 100 });
    broker.note('lost');
    await world.clock.settle();
    expect(world.notes()).toEqual(['a', 'lost']);
    // The store goes back past what was read already, and on from there: its log can never be read back.
    world.state.goBackTo({ ...earlier, end: 1 });
    const other = new MemoryStore(world.state, world.clock);
    for (const name of ['x', 'y']) {
      await other.append(world.state.end, encodeBatch({ controllerEpoch: 2, records: [record(name)] }));
    }
    await world.clock.advanceAndSettle(5000);
    expect([broker.answered, broker.refused]).toEqual([['a'], ['lost']]);
    expect(broker.controller.isActive).toBe(false);
    await restoreMetadata(other, copy, TERM);
    await world.clock.advanceAndSettle(5000);
    expect([broker.answered, broker.controller.isActive]).toEqual([['a'], true]);
  });

  test('who knows more of the log, or another, ends the term; who knows as much or less does not', async () => {
    for (const [change, agrees] of [
      [{}, true],
      [{ nextOffset: 1 }, true],
      [{ nextOffset: 0, termId: TERM }, true],
      [{ nextOffset: 9 }, false],
      [{ termId: TERM }, false],
      [{ nextOffset: 1, termId: TERM }, false],
    ] as const) {
      const world = new World();
      const broker = await activeBroker(world);
      broker.note('a');
      await world.clock.settle();
      const { controller, loader } = broker;
      expect(await controller.agreesWith({ ...positionOf(loader.image), ...change })).toBe(agrees);
      await world.clock.advanceAndSettle(20_000);
      expect([change, controller.isActive, world.epochs()]).toEqual([change, agrees, [1]]);
    }
  });

  test('nobody claims the log while another broker knows more of it, or another log', async () => {
    for (const [change, leads] of [
      [{}, true],
      [{ nextOffset: 9 }, false],
      [{ nextOffset: 1, termId: TERM }, false],
    ] as const) {
      const world = new World();
      const first = await activeBroker(world);
      first.note('a');
      await world.clock.settle();
      const position = { ...positionOf(first.loader.image), ...change };
      await first.controller.close();
      const second = world.broker(2);
      second.peers = [{ position }];
      await world.clock.advanceAndSettle(20_000);
      expect([change, second.controller.isActive]).toEqual([change, leads]);
    }
  });

  test('nobody claims the log while a restore has not ended', async () => {
    const world = new World();
    const first = await activeBroker(world);
    first.note('a');
    await world.clock.settle();
    first.kill();
    const { image } = first.loader;
    const store = new MemoryStore(world.state, world.clock);
    const { append } = store;
    store.append = () => Promise.reject(new Error('cut off'));
    await expect(restoreMetadata(store, image, TERM)).rejects.toThrow('cut off');
    const second = world.broker(2);
    await world.clock.advanceAndSettle(20_000);
    expect([second.controller.isActive, world.state.end]).toEqual([false, image.nextOffset]);
    store.append = append;
    await restoreMetadata(store, image, TERM);
    await world.clock.advanceAndSettle(5000);
    expect(second.controller.isActive).toBe(true);
  });

  test('admin changes wait for a used-up write budget and then go together; nothing else does', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    broker.writeBudget.spend(150_000);
    broker.note('admin 1', 'admin');
    broker.note('admin 2', 'admin');
    broker.note('urgent');
    await world.clock.advanceAndSettle(4_000);
    expect(broker.answered).toEqual(['urgent']);
    const before = world.state.batches.size;
    await world.clock.advanceAndSettle(3_000);
    expect(broker.answered).toEqual(['urgent', 'admin 1', 'admin 2']);
    expect(world.state.batches.size).toBe(before + 1);
  });

  test('an admin change that waits is refused when the controller is deposed', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    broker.writeBudget.spend(150_000);
    broker.note('admin', 'admin');
    await broker.controller.close();
    await world.clock.settle();
    expect(broker.refused).toEqual(['admin']);
  });

  test('too many waiting decisions are refused, the earlier ones are not', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    once(broker, 'append', { kind: 'delay', delayMs: 100 });
    for (let at = 0; at < 10_003; at++) broker.note(`n${at % 5}`);
    await world.clock.advanceAndSettle(1000);
    expect([broker.answered.length, broker.refused.length]).toEqual([10_001, 2]);
  });
});

test('a leader that may lack records is told of in the log, and counted; others are not', async () => {
  const world = new World();
  const broker = await activeBroker(world);
  const topicId = Buffer.alloc(16, 7).toString('base64url');
  const partition = (partitionId: number): MetadataRecord => ({
    kind: 'Partition',
    partitionId,
    topicId,
    replicas: [1, 2],
    isr: partitionId === 2 ? [1] : [],
    removingReplicas: [],
    addingReplicas: [],
    leader: -1,
    leaderRecoveryState: partitionId === 2 ? 1 : 0,
    leaderEpoch: 3,
    partitionEpoch: 3,
    directories: [topicId, topicId],
    eligibleLeaderReplicas: [],
    lastKnownElr: [1],
  });
  const submit = (...records: MetadataRecord[]) => broker.controller.submit(() => ({ records, result: undefined }));
  const elected = (partitionId: number, leaderRecoveryState: number): MetadataRecord =>
    partitionChange({ topicId, partitionId, leader: 1, isr: [1], leaderRecoveryState });
  await submit({ kind: 'Topic', name: 't', topicId }, ...[0, 1, 2].map(partition));
  await submit(elected(0, -1), elected(1, 1), elected(2, -1), record('other'));
  expect(broker.warnings).toEqual([{ topic: 't', partition: 1, leader: 1, leaderEpoch: 4 }]);
  expect(broker.controller.uncleanElections).toBe(1);
});

describe('snapshots', () => {
  async function writeBatches(world: World, broker: Broker, from: number, count: number): Promise<void> {
    for (let at = from; at < from + count; at++) await broker.controller.submit(write(`n${at % 7}`));
    await world.clock.settle();
  }

  test('come every 200 batches, the log is trimmed behind the last but one, a new broker starts there', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    await writeBatches(world, broker, 0, 198);
    expect(world.state.snapshot).toBeUndefined();
    await writeBatches(world, broker, 198, 1);
    expect([world.state.snapshot?.offset, world.state.trimmedBelow]).toEqual([200, 0]);
    await writeBatches(world, broker, 199, 210);
    expect([world.state.snapshot?.offset, world.state.trimmedBelow]).toEqual([400, 200]);
    broker.kill();
    const fresh = world.broker(1, 1);
    await world.clock.advanceAndSettle(1000);
    expect([fresh.controller.isActive, fresh.controller.epoch]).toEqual([true, 2]);
    expect(fresh.loader.image.configs).toEqual(broker.loader.image.configs);
    fresh.note('after');
    await world.clock.settle();
    expect(fresh.answered).toEqual(['after']);
  });

  /** About as many batches as asked for, of records of 30 kB. */
  const large = (batches: number): MetadataRecord[] =>
    Array.from({ length: 3 * batches }, (_, at) => record(`large ${at}`, 'x'.repeat(30_000)));

  test('what no ring has room for is refused, and the controller goes on', async () => {
    const world = new World();
    world.state.ringBatches = 256;
    const broker = await activeBroker(world);
    await writeBatches(world, broker, 0, 150);
    const tooLarge = broker.controller.submit(() => ({ records: large(200), result: 1 }));
    await Promise.all([
      expect(tooLarge).rejects.toMatchObject({ code: 'store.tooLarge' }),
      world.clock.advanceAndSettle(1000),
    ]);
    const fits = broker.controller.submit(() => ({ records: large(130), result: 'done' }));
    await world.clock.advanceAndSettle(1000);
    expect(await fits).toBe('done');
    broker.note('after');
    await world.clock.advanceAndSettle(1000);
    expect([broker.answered, broker.controller.isActive]).toEqual([['after'], true]);
  });

  for (const fault of [{ kind: 'fail' }, { kind: 'lost' }] as const) {
    test(`a change of many batches waits for the snapshot that makes room for it (${fault.kind})`, async () => {
      const world = new World();
      world.state.ringBatches = 16;
      const broker = await activeBroker(world);
      await writeBatches(world, broker, 0, 10);
      once(broker, 'writeSnapshot', fault);
      const changed = broker.controller.submit(() => ({ records: large(10), result: 'done' }));
      await world.clock.advanceAndSettle(2000);
      expect(await changed).toBe('done');
      expect(broker.controller.isActive).toBe(true);
    });
  }

  test('one that fails takes nothing from the log, and is tried again with the next batch', async () => {
    const world = new World();
    const broker = await activeBroker(world);
    broker.faults = (operation) => (operation === 'writeSnapshot' ? { kind: 'fail' } : undefined);
    await writeBatches(world, broker, 0, 205);
    expect([world.state.snapshot, world.state.trimmedBelow]).toEqual([undefined, 0]);
    broker.faults = () => undefined;
    await writeBatches(world, broker, 205, 1);
    expect(world.state.snapshot?.offset).toBe(207);
  });
});

interface Step {
  readonly on: number;
  readonly action: 'submit' | 'pass' | 'restart';
  readonly amount: number;
}

const fault: fc.Arbitrary<StoreFault | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.constantFrom({ kind: 'fail' } as const, { kind: 'lost' } as const) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delay' as const), delayMs: fc.nat({ max: 9000 }) }) },
);
const step: fc.Arbitrary<Step> = fc.record({
  on: fc.nat({ max: 1 }),
  action: fc.constantFrom('submit', 'submit', 'submit', 'pass', 'pass', 'restart'),
  amount: fc.integer({ min: 1, max: 12 }),
});

test('whatever the store does, an answered change is in the log once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.array(fault, { minLength: 1, maxLength: 60 }),
      async (steps, faults) => {
        const world = new World();
        let asked = 0;
        let isCalm = false;
        const draw: Faults = () => (isCalm ? undefined : faults[asked++ % faults.length]);
        const all: Broker[] = [];
        const start = (nodeId: number): Broker => {
          const broker = world.broker(nodeId, all.length);
          broker.faults = draw;
          all.push(broker);
          return broker;
        };
        const running = [start(0), start(1)];
        let written = 0;
        await world.clock.advanceAndSettle(3000);
        for (const { on, action, amount } of steps) {
          const broker = running[on] as Broker;
          if (action === 'submit')
            for (let at = 0; at < amount; at++) broker.note(`${all.indexOf(broker)}:${written++}`);
          else if (action === 'pass') await world.clock.advanceAndSettle(amount * 300);
          else {
            broker.kill();
            running[on] = start(on);
          }
        }
        isCalm = true;
        await world.clock.advanceAndSettle(40_000);
        const log = world.notes();
        expect(new Set(log).size).toBe(log.length);
        for (const [index, broker] of all.entries()) {
          const own = log.filter((name) => name.startsWith(`${index}:`));
          expect(own.toSorted((a, b) => number(a) - number(b))).toEqual(own);
          expect(log.filter((name) => broker.answered.includes(name))).toEqual(broker.answered);
          broker.controller.close();
          broker.loader.close();
        }
        const told = all.reduce((sum, { answered, refused }) => sum + answered.length + refused.length, 0);
        expect(told).toBe(written);
        expect(world.epochs()).toEqual(world.epochs().map((_, at) => at + 1));
        expect(running.filter(({ controller }) => controller.isActive)).toHaveLength(0);
        const builder = new ImageBuilder(EMPTY_IMAGE);
        for (const [offset, payload] of world.state.batches) builder.apply(decodeBatch(payload), offset);
        for (const { loader } of running) expect(loader.image).toEqual(builder.finish().image);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

const number = (name: string): number => Number(name.slice(name.indexOf(':') + 1));
