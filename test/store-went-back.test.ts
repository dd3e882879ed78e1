/**
 * The store is put back to an earlier time, and a broker that knew no more than that comes up first, alone. It cannot
 * know, and leads; the others come later, know what was lost, and say so. From then on nobody decides anything until
 * an operator says whose copy counts, and no log of a topic goes that nobody deleted.
 */
import { afterEach, expect, test } from 'vitest';
import { BrokerConfig } from '../broker/config/mod.ts';
import { MemoryStore } from '../broker/coordination/mod.ts';
import { PeerConnector } from '../broker/membership/mod.ts';
import { METADATA_VERSION } from '../broker/metadata/mod.ts';
import { describeRestore } from '../broker/metadata-tool.ts';
import { defineCall } from '../broker/protocol/connection/mod.ts';
import { writeBrokerRegistrationRequest } from '../broker/protocol/generated/broker-registration-request.ts';
import { readBrokerRegistrationResponse } from '../broker/protocol/generated/broker-registration-response.ts';
import { ErrorCode } from '../broker/protocol/mod.ts';
import { ControlSecret } from '../broker/security/mod.ts';
import { silentLogger } from '../broker/std/mod.ts';
import { SeededRandom } from '../broker/std/sim/prng.ts';
import { SimAdmin } from './support/sim-admin.ts';

let admin: SimAdmin;
afterEach(() => admin.end());

const registrationCall = defineCall(62, writeBrokerRegistrationRequest, readBrokerRegistrationResponse);
const uuid = (byte: number): string => Buffer.alloc(16, byte).toString('base64url');

const BROKERS = [1, 2, 3] as const;
const SECRET = 'the-secret-of-the-simulation';

/** `stale` goes first; then a topic is made that it never hears of, and the store forgets it, too. */
async function wentBack(seed: number, stale: number): Promise<{ readonly knownEnd: number }> {
  admin = await SimAdmin.start(seed, { 'ottla.metadata.snapshot.batches': '4', 'ottla.control.secret': SECRET });
  const cluster = admin.world;
  await admin.createTopic('old');
  await admin.produce('old', 'x');
  await cluster.pass(2000);
  const earlier = cluster.store.copy();
  cluster.kill(stale);
  await cluster.pass(8000);
  await admin.createTopic('lost');
  await admin.produce('lost', 'x');
  await cluster.pass(2000);
  for (const id of BROKERS) cluster.kill(id);
  const knownEnd = cluster.store.end;
  cluster.store.goBackTo(earlier);
  return { knownEnd };
}

/** The broker starts alone, and writes past what the others know, so that offsets alone tell nothing. */
async function goOn(stale: number, knownEnd: number): Promise<void> {
  const cluster = admin.world;
  for (let starts = 0; cluster.store.end <= knownEnd + 1 && starts < 20; starts++) {
    cluster.kill(stale);
    cluster.start(stale);
    await admin.awaitRunning(stale);
    await cluster.pass(8000);
  }
  expect(cluster.store.end).toBeGreaterThan(knownEnd + 1);
  expect(isLeading(stale)).toBe(true);
}

/** The command as it is run beside a broker, on that broker's own disk. */
async function restore(from: number, apply = true): Promise<string[]> {
  const cluster = admin.world;
  const { clock, network } = cluster;
  const lines: string[] = [];
  const runtime = {
    clock,
    disk: cluster.node(from).disk,
    random: new SeededRandom(from),
    log: silentLogger,
    network: network.endpoint('tool'),
    executor: { run: () => Promise.reject(new Error('none')), close: async () => {} },
  };
  const listeners = `PLAINTEXT://127.0.0.1:${9000 + from},CONTROL://127.0.0.1:${9500 + from}`;
  const properties = { 'log.dirs': '/data', listeners, 'ottla.control.secret': SECRET };
  const config = new BrokerConfig(new Map(Object.entries(properties)));
  const store = new MemoryStore(cluster.store, clock);
  let outcome: unknown;
  const run = describeRestore({ runtime, config, store, apply, print: (line) => void lines.push(line) });
  run.then(
    () => {
      outcome = 'done';
    },
    (error: unknown) => {
      outcome = error;
    },
  );
  await cluster.until(() => outcome !== undefined, 10_000);
  if (outcome !== 'done') throw outcome;
  return lines;
}

function isLeading(id: number): boolean {
  return admin.world.node(id).running?.broker.controller.isActive === true;
}

for (const stale of BROKERS) {
  const [first, second] = BROKERS.filter((id) => id !== stale) as [number, number];

  test(`broker ${stale} goes on from the older store alone, and stands down once the others say more`, async () => {
    const { knownEnd } = await wentBack(20 + stale, stale);
    const cluster = admin.world;
    await goOn(stale, knownEnd);
    cluster.start(first);
    cluster.start(second);
    expect(await cluster.until(() => !isLeading(stale), 15_000)).toBe(true);
    const { end } = cluster.store;
    await cluster.pass(60_000);
    expect(cluster.store.end).toBe(end);
    expect(BROKERS.map(isLeading)).toEqual([false, false, false]);
    expect([first, second].map((id) => cluster.node(id).state)).toEqual(['starting', 'starting']);
    expect([first, second].map((id) => admin.folders(id, 'lost'))).toEqual([['lost-0'], ['lost-0']]);

    await expect(restore(stale)).rejects.toMatchObject({ code: 'store.conflict' });
    expect(cluster.store.end).toBe(end);
    const lines = await restore(first);
    expect(lines.at(-1)).toMatch(/^Restored/);
    // In the history that counts another process was the stale broker, so this one ends, and is started again.
    expect(await cluster.until(() => cluster.node(stale).state === 'stopped', 20_000)).toBe(true);
    cluster.start(stale);
    await admin.awaitRunning(...BROKERS);
    const hasBoth = (): boolean => BROKERS.every((id) => `${admin.topicsKnownTo(id)}` === 'lost,old');
    expect(await cluster.until(hasBoth, 30_000)).toBe(true);
    await admin.produce('lost', 'y');
    await admin.produce('old', 'y');
    await cluster.pass(70_000);
    expect(BROKERS.map((id) => admin.folders(id, 'lost'))).toEqual([['lost-0'], ['lost-0'], ['lost-0']]);
    expect(cluster.failures).toEqual([]);
  });
}

test('a broker that has read another log is not registered, and ends the term of the controller', async () => {
  admin = await SimAdmin.start(32, { 'ottla.control.secret': SECRET });
  const cluster = admin.world;
  await cluster.pass(10_000);
  const leader = BROKERS.find(isLeading) ?? 0;
  const image = cluster.node(leader).running?.broker.image;
  const connector = new PeerConnector({
    network: cluster.network.endpoint('stranger'),
    random: new SeededRandom(1),
    nodeId: 4,
    secret: new ControlSecret(SECRET),
  });
  const register = async (termId: string): Promise<number> => {
    const connection = await connector.connect({ host: '127.0.0.1', port: 9500 + leader });
    const { errorCode } = await connection.request(registrationCall, 4, {
      brokerId: 4,
      clusterId: image?.clusterId ?? '',
      incarnationId: uuid(1),
      listeners: [],
      features: [{ name: METADATA_VERSION.feature, minSupportedVersion: 1, maxSupportedVersion: 1 }],
      rack: null,
      isMigratingZkBroker: false,
      logDirs: [uuid(2)],
      metadataOffset: image?.nextOffset ?? 0,
      metadataControllerEpoch: image?.controllerEpoch ?? 0,
      metadataTermId: termId,
    });
    return errorCode;
  };
  const answers: number[] = [];
  void register(uuid(3)).then((errorCode) => answers.push(errorCode));
  await cluster.pass(2000);
  expect([answers, isLeading(leader)]).toEqual([[ErrorCode.NOT_CONTROLLER], false]);
});

test('who gives up what other brokers know keeps their logs all the same', async () => {
  const { knownEnd } = await wentBack(31, 1);
  const cluster = admin.world;
  await goOn(1, knownEnd);
  // Nobody answers who knows more: the operator has stopped them.
  expect((await restore(1)).at(-1)).toMatch(/^Restored/);
  cluster.start(2);
  cluster.start(3);
  await admin.awaitRunning(...BROKERS);
  await cluster.pass(70_000);
  expect(BROKERS.map((id) => admin.topicsKnownTo(id))).toEqual([['old'], ['old'], ['old']]);
  expect(BROKERS.map((id) => admin.folders(id, 'lost'))).toEqual([[], ['lost-0-stray'], ['lost-0-stray']]);
  expect(BROKERS.map((id) => admin.folders(id, 'old'))).toEqual([['old-0'], ['old-0'], ['old-0']]);
});

test('a store that is only further than a copy is not restored from it', async () => {
  admin = await SimAdmin.start(33, { 'ottla.control.secret': SECRET });
  await admin.createTopic('a');
  await admin.world.pass(2000);
  admin.world.kill(3);
  await admin.createTopic('b');
  expect((await restore(3, false)).at(-1)).toMatch(/nothing to restore/);
  await expect(restore(3)).rejects.toMatchObject({ code: 'store.conflict' });
});
