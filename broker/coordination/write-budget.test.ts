import { expect, test } from 'vitest';
import { unlimitedBudget, WriteBudget } from './write-budget.ts';

function budgetOf(bytesMax: number, windowMs: number): { budget: WriteBudget; pass: (ms: number) => void } {
  let nowMs = 5;
  const budget = new WriteBudget({ bytesMax, windowMs, monotonicMs: () => nowMs });
  return {
    budget,
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

test('expansions wait first, then admin changes, and each until there is room again', () => {
  const { budget, pass } = budgetOf(1000, 10_000);
  budget.spend(750);
  expect([budget.waitMs('expansion'), budget.waitMs('admin')]).toEqual([0, 0]);
  budget.spend(50);
  expect([budget.waitMs('expansion'), budget.waitMs('admin')]).toEqual([500, 0]);
  budget.spend(300);
  expect([budget.waitMs('expansion'), budget.waitMs('admin')]).toEqual([3500, 1000]);
  pass(1000);
  expect([budget.waitMs('expansion'), budget.waitMs('admin')]).toEqual([2500, 0]);
  pass(2500);
  expect(budget.waitMs('expansion')).toBe(0);
});

test('an idle store saves up no more than one window, and a storm owes no more than one', () => {
  const { budget, pass } = budgetOf(1000, 10_000);
  pass(1_000_000);
  budget.spend(1001);
  expect(budget.waitMs('admin')).toBe(10);
  for (let at = 0; at < 100; at++) budget.spend(1000);
  expect(budget.waitMs('admin')).toBe(10_000);
  pass(10_000);
  expect(budget.waitMs('admin')).toBe(0);
});

test('a store without a limit never makes anybody wait', () => {
  unlimitedBudget.spend(1e12);
  expect([unlimitedBudget.waitMs('expansion'), unlimitedBudget.waitMs('admin')]).toEqual([0, 0]);
});
