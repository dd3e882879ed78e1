import { expect, test } from 'vitest';
import { silentLogger } from '../std/mod.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import { IsolationWatch } from './isolation.ts';

test('a broker is alone when nobody was heard of for long, and no more when anybody is', () => {
  const clock = new SimClock();
  const contacts = { storeMs: 0, peerMs: 0 };
  let brokers = 3;
  const watch = new IsolationWatch({
    clock,
    log: silentLogger,
    timeoutMs: 12_000,
    contacts: () => contacts,
    brokerCount: () => brokers,
  });
  clock.advance(12_000);
  expect(watch.isIsolated).toBe(false);
  clock.advance(1000);
  expect(watch.isIsolated).toBe(true);
  for (const who of ['storeMs', 'peerMs'] as const) {
    contacts[who] = clock.monotonicMs();
    clock.advance(1000);
    expect(watch.isIsolated, who).toBe(false);
    clock.advance(13_000);
    expect(watch.isIsolated, who).toBe(true);
  }
  brokers = 1;
  clock.advance(1000);
  expect(watch.isIsolated).toBe(false);
});
