/** The time that a broker has to stop, and what it leaves to its logs. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BrokerConfig } from './config/mod.ts';
import { flushAfterMs, stopSettings } from './stop-settings.ts';

const of = (values: Record<string, string>) => stopSettings(new BrokerConfig(new Map(Object.entries(values))));

test('the logs have ten seconds, or half of a grace that is shorter than two of that', () => {
  const flushAt = (graceMs: string): number => flushAfterMs(of({ 'ottla.stop.grace.ms': graceMs }));
  expect([flushAt('60000'), flushAt('20000'), flushAt('4000'), flushAt('0')]).toEqual([50_000, 10_000, 2000, 0]);
  expect(of({})).toEqual({ permitMs: 5000, graceMs: 30_000, podUid: null });
});

test('a broker in a pod knows the grace of the pod', () => {
  const manifest = readFileSync(new URL('../hack/manifests/brokers.yaml', import.meta.url), 'utf8');
  const graceMs = Number(/ottla\.stop\.grace\.ms=(\d+)/.exec(manifest)?.[1]);
  expect(graceMs).toBe(1000 * Number(/terminationGracePeriodSeconds: (\d+)/.exec(manifest)?.[1]));
  const permitMs = /ottla\.stop\.permit\.ms=(\d+)/.exec(manifest)?.[1] ?? '';
  expect(Number(permitMs)).toBeLessThan(flushAfterMs(of({ 'ottla.stop.grace.ms': `${graceMs}` })));
});
