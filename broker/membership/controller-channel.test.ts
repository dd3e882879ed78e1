/** The way to the active controller, also when that is another one. */
import { expect, test } from 'vitest';
import { defineCall, type KafkaConnection } from '../protocol/connection/mod.ts';
import { silentLogger } from '../std/mod.ts';
import { SimClock } from '../std/sim/sim-clock.ts';
import { CONTROL_LISTENER } from './control-endpoint.ts';
import { ControllerChannel } from './controller-channel.ts';
import type { PeerConnector } from './peer-connector.ts';
import type { KnownController } from './peer-positions.ts';

const call = defineCall<string, string>(
  0,
  () => {},
  () => '',
);
const TIMEOUT_MS = 60_000;

const known = (controllerId: number): KnownController => ({
  controllerId,
  controllerEpoch: controllerId,
  endpoint: { name: CONTROL_LISTENER, host: 'h', port: 9000 + controllerId },
});

/** Controllers by port: what each answers, or never does. */
function world(
  answers: Readonly<Record<number, Promise<string>>>,
  dials: Readonly<Record<number, Promise<void>>> = {},
) {
  let controller = known(1);
  const connector = {
    async connect({ port }: { readonly port: number }) {
      await dials[port];
      return { request: () => answers[port], onClosed() {}, close() {} } as unknown as KafkaConnection;
    },
  } as unknown as PeerConnector;
  const clock = new SimClock();
  const channel = new ControllerChannel({ connector, clock, log: silentLogger, controller: () => controller });
  const elect = (controllerId: number): void => {
    controller = known(controllerId);
    channel.controllerMoved();
  };
  return { channel, elect, clock };
}

const never = new Promise<never>(() => {});

test.each([
  ['answers no more', {}],
  ['is still being dialled', { 9001: never }],
])('who waits for a controller that %s is free as soon as there is another', async (_, dials) => {
  const { channel, elect, clock } = world({ 9001: never, 9002: Promise.resolve('two') }, dials);
  const waiting = channel.request(call, 0, '', TIMEOUT_MS);
  await clock.settle();
  elect(2);
  await expect(waiting).rejects.toMatchObject({ code: 'net.closed', retriable: true });
  expect(await channel.request(call, 0, '', TIMEOUT_MS)).toBe('two');
});

test('a controller that claims again from where it was keeps its connection', async () => {
  const answer = Promise.withResolvers<string>();
  const { channel, elect } = world({ 9001: answer.promise });
  const waiting = channel.request(call, 0, '', TIMEOUT_MS);
  elect(1);
  answer.resolve('one');
  expect(await waiting).toBe('one');
});
