/** Leader epochs: KIP-101's answers, and a history that only grows. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryDisk } from '../std/sim/memory-disk.ts';
import { LeaderEpochs } from './leader-epochs.ts';

function epochsOf(...entries: readonly (readonly [number, number])[]): LeaderEpochs {
  const epochs = LeaderEpochs.load(new MemoryDisk(), '/leader-epoch-checkpoint');
  for (const [epoch, startOffset] of entries) epochs.assign(epoch, startOffset);
  return epochs;
}

test('the end of an epoch is the start of the next, of the current one the log end', () => {
  const epochs = epochsOf([2, 10], [4, 20], [7, 35]);
  expect(epochs.endOffsetFor(7, 50)).toEqual({ epoch: 7, endOffset: 50 });
  expect(epochs.endOffsetFor(5, 50)).toEqual({ epoch: 4, endOffset: 35 });
  expect(epochs.endOffsetFor(2, 50)).toEqual({ epoch: 2, endOffset: 20 });
  expect(epochs.endOffsetFor(1, 50)).toEqual({ epoch: 1, endOffset: 10 });
  expect(epochs.endOffsetFor(8, 50)).toEqual({ epoch: -1, endOffset: -1 });
});

test('a new entry replaces those of the same or a later start', () => {
  const epochs = epochsOf([1, 0], [2, 10], [3, 10], [4, 5]);
  expect(epochs.entries()).toEqual([
    { epoch: 1, startOffset: 0 },
    { epoch: 4, startOffset: 5 },
  ]);
});

test('truncation keeps the epoch that covers the new start, and drops what begins past the new end', () => {
  const epochs = epochsOf([1, 0], [2, 10], [3, 20]);
  epochs.truncateFromStart(15);
  expect(epochs.entries()).toEqual([
    { epoch: 2, startOffset: 15 },
    { epoch: 3, startOffset: 20 },
  ]);
  epochs.truncateFromEnd(20);
  expect(epochs.entries()).toEqual([{ epoch: 2, startOffset: 15 }]);
});

test('epochs and starts grow from entry to entry, whatever is assigned', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(100))), (assignments) => {
      const entries = epochsOf(...assignments).entries();
      return entries.every((entry, slot) => {
        const before = entries[slot - 1];
        return before === undefined || (before.epoch < entry.epoch && before.startOffset < entry.startOffset);
      });
    }),
  );
});

test('the file brings back what was persisted', async () => {
  const disk = new MemoryDisk();
  const epochs = LeaderEpochs.load(disk, '/leader-epoch-checkpoint');
  epochs.assign(3, 0);
  epochs.assign(5, 12);
  await epochs.persist();
  expect(disk.readFile('/leader-epoch-checkpoint').toString()).toBe('0\n2\n3 0\n5 12\n');
  expect(LeaderEpochs.load(disk, '/leader-epoch-checkpoint').entries()).toEqual(epochs.entries());
});
