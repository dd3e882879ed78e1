import { expect, test } from 'vitest';
import { SimClock } from '../std/sim/sim-clock.ts';
import { PeerContacts } from './peer-contacts.ts';

test('a peer is heard of by what it answers and what it asks, and nobody by what a broker says to itself', () => {
  const clock = new SimClock();
  const own = { host: '10.0.0.1', port: 9093 };
  const contacts = new PeerContacts({ clock, nodeId: 1, ownAddress: own });
  const started = clock.monotonicMs();
  const agoMs = (): number => clock.monotonicMs() - contacts.heardMs;
  clock.advance(5000);
  contacts.answered(own);
  contacts.spoke('broker-1');
  expect(contacts.heardMs).toBe(started);
  contacts.answered({ host: '10.0.0.2', port: 9093 });
  expect(agoMs()).toBe(0);
  clock.advance(5000);
  // Two processes of one machine.
  contacts.answered({ host: '10.0.0.1', port: 9094 });
  expect(agoMs()).toBe(0);
  clock.advance(5000);
  contacts.spoke('broker-2');
  expect(agoMs()).toBe(0);
});
