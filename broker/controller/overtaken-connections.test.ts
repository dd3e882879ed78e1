import { expect, test } from 'vitest';
import { OvertakenConnections } from './overtaken-connections.ts';

test('what hung in a connection that its broker gave up is not taken after what came over the next', () => {
  const overtaken = new OvertakenConnections();
  expect(overtaken.has(1, 5)).toBe(false);
  expect(overtaken.has(1, 5)).toBe(false);
  expect(overtaken.has(1, 9)).toBe(false);
  expect(overtaken.has(1, 5)).toBe(true);
  // A connection that was never heard of before is as old as its number says.
  expect(overtaken.has(1, 7)).toBe(true);
  expect(overtaken.has(2, 3)).toBe(false);
  expect(overtaken.has(1, 9)).toBe(false);
});
