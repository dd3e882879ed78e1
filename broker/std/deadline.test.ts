/** A deadline on a simulated clock. */
import { expect, test } from 'vitest';
import { Deadline } from './deadline.ts';
import { SimClock } from './sim/sim-clock.ts';

const never = new Promise<void>(() => {});

test('a part of a task has what is left of the whole, and never more', () => {
  const clock = new SimClock();
  const whole = new Deadline(clock, 1000);
  expect(whole.within(300).leftMs).toBe(300);
  clock.advance(900);
  expect(whole.within(300).leftMs).toBe(100);
  clock.advance(200);
  expect([whole.leftMs, whole.isOver, whole.within(300).isOver]).toEqual([0, true, true]);
});

test('a wait ends with its promise, with its failure, or with the time', async () => {
  const clock = new SimClock();
  const deadline = new Deadline(clock, 1000);
  await deadline.wait(Promise.resolve());
  await expect(deadline.wait(Promise.reject(new Error('no')))).rejects.toThrow('no');
  let isOver = false;
  const waited = deadline.wait(never).then(() => {
    isOver = true;
  });
  clock.advance(999);
  await clock.settle();
  expect(isOver).toBe(false);
  clock.advance(1);
  await waited;
  await deadline.wait(never);
});
