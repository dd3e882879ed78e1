import { expect, test } from 'vitest';
import { BrokerError, type Clock, type Connection, type Network } from '../std/mod.ts';
import { PeerProbe } from './peer-probe.ts';

type Outcome = 'taken' | 'net.refused' | 'net.timeout';

/** A probe whose dials end as listed, the last outcome for ever; and when they were made. */
function probeOf(outcomes: readonly Outcome[]): { probe: PeerProbe; dialledMs: number[] } {
  let nowMs = 0;
  const dialledMs: number[] = [];
  const clock = {
    after(delayMs: number, callback: () => void) {
      nowMs += delayMs;
      callback();
      return { cancel() {} };
    },
  } as unknown as Clock;
  const network = {
    async connect() {
      const outcome = outcomes[Math.min(dialledMs.length, outcomes.length - 1)] as Outcome;
      dialledMs.push(nowMs);
      if (outcome !== 'taken') throw new BrokerError(outcome, 'the dial failed');
      return { destroy() {} } as Connection;
    },
  } as unknown as Network;
  return { probe: new PeerProbe({ network, clock }), dialledMs };
}

const endpoint = { name: 'CONTROL', host: 'peer', port: 1 };

test('a process is gone when it refuses twice, a moment apart', async () => {
  const { probe, dialledMs } = probeOf(['net.refused']);
  expect(await probe.isGone(endpoint)).toBe(true);
  expect(dialledMs).toEqual([0, 50]);
});

test('a process that is being taken down may still take the first dial', async () => {
  const { probe, dialledMs } = probeOf(['taken', 'net.refused']);
  expect(await probe.isGone(endpoint)).toBe(true);
  expect(dialledMs).toEqual([0, 50, 100]);
});

test.each([
  ['takes every dial', ['taken'], 4],
  ['was only between two listeners', ['net.refused', 'taken'], 4],
  ['does not answer', ['net.timeout'], 1],
  ['refused once and fell silent', ['net.refused', 'net.timeout'], 2],
] as const)('a process that %s is not gone', async (_, outcomes, dials) => {
  const { probe, dialledMs } = probeOf(outcomes);
  expect(await probe.isGone(endpoint)).toBe(false);
  expect(dialledMs.length).toBe(dials);
});
