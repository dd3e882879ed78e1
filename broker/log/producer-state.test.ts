/** Producers: retries are recognised, sequences follow each other, epochs fence, and snapshots bring it all back. */
import { expect, test } from 'vitest';
import { ErrorCode, setBatchBaseOffset } from '../protocol/mod.ts';
import { batchOf, markerOf } from './log-fixture.ts';
import { decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts';
import { ProducerStates } from './producer-state.ts';

function data(baseSequence: number, options: { count?: number; epoch?: number; baseOffset?: number } = {}): Buffer {
  const values = Array.from({ length: options.count ?? 1 }, () => 'v');
  const batch = batchOf(values, { producerId: 1, producerEpoch: options.epoch ?? 0, baseSequence });
  setBatchBaseOffset(batch, 0, options.baseOffset ?? 0);
  return batch;
}

const LENIENT = { mustStartAtZero: false };

test('the last five batches are duplicates, an older one is out of order', () => {
  const producers = new ProducerStates();
  for (let sequence = 0; sequence < 7; sequence++) producers.apply(data(sequence, { baseOffset: sequence }), 0);
  for (let sequence = 2; sequence < 7; sequence++) {
    expect(producers.check(data(sequence), 0, LENIENT)).toMatchObject({
      kind: 'duplicate',
      batch: { lastOffset: sequence },
    });
  }
  const refused = { kind: 'refuse', errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER };
  expect(producers.check(data(1), 0, LENIENT)).toMatchObject(refused);
  expect(producers.check(data(8), 0, LENIENT)).toMatchObject(refused);
  expect(producers.check(data(7), 0, LENIENT)).toEqual({ kind: 'accept' });
});

test('sequences wrap from the largest to zero, within a batch and between batches', () => {
  const producers = new ProducerStates();
  producers.apply(data(0x7fff_fffe, { count: 3 }), 0);
  expect(producers.get(1)?.batches.at(-1)?.lastSequence).toBe(0);
  expect(producers.check(data(0x7fff_fffe, { count: 3 }), 0, LENIENT)).toMatchObject({ kind: 'duplicate' });
  expect(producers.check(data(1), 0, LENIENT)).toEqual({ kind: 'accept' });
});

test('an older epoch is fenced, a newer one starts at zero, an unknown producer anywhere', () => {
  const producers = new ProducerStates();
  expect(producers.check(data(41), 0, LENIENT)).toEqual({ kind: 'accept' });
  expect(producers.check(data(41), 0, { mustStartAtZero: true })).toMatchObject({ kind: 'refuse' });
  producers.apply(data(41, { epoch: 3 }), 0);
  const fenced = { kind: 'refuse', errorCode: ErrorCode.INVALID_PRODUCER_EPOCH };
  expect(producers.check(data(42, { epoch: 2 }), 0, LENIENT)).toMatchObject(fenced);
  expect(producers.check(data(42, { epoch: 4 }), 0, LENIENT)).toMatchObject({ kind: 'refuse' });
  expect(producers.check(data(0, { epoch: 4 }), 0, LENIENT)).toEqual({ kind: 'accept' });
});

test('what is staged is checked against, and forgotten when it is dropped', () => {
  const producers = new ProducerStates();
  producers.stage(data(0), 0);
  expect(producers.check(data(1), 0, LENIENT)).toEqual({ kind: 'accept' });
  expect(producers.check(data(0), 0, LENIENT)).toMatchObject({ kind: 'duplicate' });
  producers.dropStaged();
  expect(producers.get(1)).toBeUndefined();
});

test('a snapshot brings back sequence, epoch and open transaction, and a damaged one is refused', () => {
  const producers = new ProducerStates();
  producers.apply(data(5, { baseOffset: 10, count: 2 }), 0);
  const open = batchOf(['x'], { producerId: 2, producerEpoch: 4, baseSequence: 0, isTransactional: true });
  setBatchBaseOffset(open, 0, 12);
  producers.apply(open, 0);
  const marker = markerOf({ producerId: 3, producerEpoch: 1, isCommit: true });
  producers.apply(marker, 0);
  const bytes = encodeProducerSnapshot([...producers.all()]);
  const restored = new ProducerStates();
  restored.restore(decodeProducerSnapshot(bytes));
  expect([...restored.all()]).toEqual([...producers.all()]);
  expect(restored.firstUnstableOffset()).toBe(12);
  bytes[20] = (bytes[20] as number) ^ 1;
  expect(() => decodeProducerSnapshot(bytes)).toThrow(/checksum/);
});
