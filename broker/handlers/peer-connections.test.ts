import { expect, test } from 'vitest';
import { PeerConnections } from './peer-connections.ts';

test('what hung in a connection that its broker gave up is not taken after what came over the next', () => {
  const connections = new PeerConnections(() => {});
  const over = (ordinal: number, brokerId = 1): boolean => connections.isNewest({ ordinal }, brokerId);
  expect(over(5)).toBe(true);
  expect(over(5)).toBe(true);
  expect(over(9)).toBe(true);
  expect(over(5)).toBe(false);
  // A connection that was never heard of before is as old as its number says.
  expect(over(7)).toBe(false);
  expect(over(3, 2)).toBe(true);
  expect(over(9)).toBe(true);
});
