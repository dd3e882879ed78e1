import { expect, test } from 'vitest';
import { SeededRandom } from '../../std/sim/prng.ts';
import { OffsetMap } from './offset-map.ts';

test('the map knows the last offset of every key, as a plain map does', () => {
  const random = new SeededRandom(1);
  const map = new OffsetMap({ bytesMax: 1 << 20, keysWanted: 5_000, startOffset: 0 });
  const twin = new Map<string, number>();
  for (let offset = 0; offset < 5_000; offset++) {
    const key = `k${random.below(1_500)}`;
    expect(map.put(Buffer.from(key), offset)).toBe(true);
    twin.set(key, offset);
  }
  for (let i = 0; i < 2_000; i++) expect(map.get(Buffer.from(`k${i}`))).toBe(twin.get(`k${i}`));
  expect(map.size).toBe(twin.size);
});

test('a full map takes new offsets of the keys it has, and no new keys', () => {
  const map = new OffsetMap({ bytesMax: 24 * 10, keysWanted: 1_000, startOffset: 0 });
  const keys = Array.from({ length: 9 }, (_, i) => Buffer.from(`k${i}`));
  keys.forEach((key, offset) => {
    expect(map.put(key, offset)).toBe(true);
  });
  expect(map.put(Buffer.from('another'), 100)).toBe(false);
  expect(map.put(keys[3] as Buffer, 101)).toBe(true);
  expect([map.get(keys[3] as Buffer), map.get(Buffer.from('another')), map.utilization]).toEqual([101, undefined, 1]);
});

test('a key costs 24 bytes', () => {
  const map = new OffsetMap({ bytesMax: 24_000, keysWanted: 1_000_000, startOffset: 0 });
  let count = 0;
  while (map.put(Buffer.from(`key ${count}`), count)) count++;
  expect(count).toBe(900);
});
