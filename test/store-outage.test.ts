/**
 * The coordination store is away for fifteen minutes. What needs no decision goes on as if nothing were: produce with
 * acks=all, fetch, offset commits, new connections. Once more with a broker that dies meanwhile: what must wait waits,
 * and goes on by itself when the store is back.
 */
import { describe, expect, test } from 'vitest';
import { buildBatch, ErrorCode } from '../broker/protocol/mod.ts';
import { SimClient } from './sim/sim-client.ts';
import { SimCluster } from './sim/sim-cluster.ts';
import * as calls from './support/calls.ts';

const OUTAGE_MS = 15 * 60_000;
const TOPIC = 'steady';
const PARTITIONS = 3;
const BETWEEN_MS = 200;

function clientOf(cluster: SimCluster, name: string): SimClient {
  const { clock, network, bootstrapPorts: ports } = cluster;
  return new SimClient({ name, clock, network: network.endpoint(`client-${name}`), ports });
}

async function start(): Promise<SimCluster> {
  const cluster = new SimCluster({ seed: 11, brokers: 3 });
  for (const { id } of cluster.nodes) cluster.start(id);
  expect(await cluster.until(() => cluster.nodes.every(({ state }) => state === 'running'), 20_000)).toBe(true);
  const admin = clientOf(cluster, 'admin');
  const created = admin.ask(admin.anyPort(), calls.createTopicsCall, 7, {
    timeoutMs: 5000,
    validateOnly: false,
    topics: [{ name: TOPIC, numPartitions: PARTITIONS, replicationFactor: 3, assignments: [], configs: [] }],
  });
  await cluster.pass(3000);
  expect((await created).topics[0]?.errorCode).toBe(ErrorCode.NONE);
  return cluster;
}

/** One request after the other on every partition, commits beside them; each answer and how long it took. */
class Load {
  readonly failures: string[] = [];
  readonly tookMs: number[] = [];
  isStopped = false;
  private readonly cluster: SimCluster;

  constructor(cluster: SimCluster) {
    this.cluster = cluster;
    for (let partition = 0; partition < PARTITIONS; partition++) void this.produce(partition);
    void this.commit();
  }

  private async produce(partition: number): Promise<void> {
    for (let at = 0; !this.isStopped; at++) {
      // A new client every now and then: bootstrap, metadata and connections must do without the store as well.
      const client = clientOf(this.cluster, `producer-${partition}-${Math.floor(at / 50)}`);
      const startedMs = this.cluster.clock.monotonicMs();
      try {
        // A bootstrap address that is dead is passed over, as every client does.
        let leader = await client.leaderOf(TOPIC, partition);
        for (let tries = 0; leader === undefined && tries < 3; tries++)
          leader = await client.leaderOf(TOPIC, partition);
        const records = [{ timestamp: 1, key: null, value: Buffer.from(`${partition}/${at}`) }];
        const response = await client.ask(leader?.port ?? 0, calls.produceCall, 12, {
          transactionalId: null,
          acks: -1,
          timeoutMs: 2000,
          topicData: [{ name: TOPIC, partitionData: [{ index: partition, records: buildBatch({ records }) }] }],
        });
        this.note(response.responses[0]?.partitionResponses[0]?.errorCode ?? -1, startedMs, `produce ${partition}`);
      } catch (error) {
        this.failures.push(`produce ${partition}: ${(error as Error).message}`);
      }
      client.close();
      await client.pause(BETWEEN_MS);
    }
  }

  private async commit(): Promise<void> {
    const client = clientOf(this.cluster, 'committer');
    for (let at = 0; !this.isStopped; at++) {
      const startedMs = this.cluster.clock.monotonicMs();
      try {
        const find = () =>
          client.ask(client.anyPort(), calls.findCoordinatorCall, 4, { keyType: 0, coordinatorKeys: ['g'] });
        const found = await find().catch(find);
        const response = await client.ask(found.coordinators[0]?.port ?? 0, calls.offsetCommitCall, 9, {
          groupId: 'g',
          memberId: '',
          generationIdOrMemberEpoch: -1,
          topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, committedOffset: at, committedMetadata: '' }] }],
        });
        this.note(response.topics[0]?.partitions[0]?.errorCode ?? -1, startedMs, 'commit');
      } catch (error) {
        this.failures.push(`commit: ${(error as Error).message}`);
      }
      await client.pause(BETWEEN_MS);
    }
  }

  private note(errorCode: number, startedMs: number, what: string): void {
    if (errorCode === ErrorCode.NONE) this.tookMs.push(this.cluster.clock.monotonicMs() - startedMs);
    else this.failures.push(`${what}: error ${errorCode}`);
  }

  /** What came since the last call. */
  take(): { failures: string[]; p99Ms: number; answered: number } {
    const tookMs = this.tookMs.splice(0).sort((a, b) => a - b);
    const p99Ms = tookMs[Math.floor(tookMs.length * 0.99)] ?? Number.POSITIVE_INFINITY;
    return { failures: this.failures.splice(0), p99Ms, answered: tookMs.length };
  }
}

describe('the store is away for fifteen minutes', () => {
  test('nothing fails and nothing becomes slow', { timeout: 120_000 }, async () => {
    const cluster = await start();
    const load = new Load(cluster);
    await cluster.pass(20_000);
    load.take();
    await cluster.pass(60_000);
    const before = load.take();
    const mend = cluster.store.makeUnavailable();
    await cluster.pass(OUTAGE_MS);
    const during = load.take();
    mend();
    await cluster.pass(60_000);
    const after = load.take();
    expect([before.failures, during.failures, after.failures]).toEqual([[], [], []]);
    expect(during.answered).toBeGreaterThan(10_000);
    expect(during.p99Ms).toBeLessThanOrEqual(2 * before.p99Ms);
    // Nobody was fenced for it, and the next decision is made as ever.
    const image = cluster.node(1).running?.broker.image;
    expect([...(image?.brokers.values() ?? [])].map(({ isFenced }) => isFenced)).toEqual([false, false, false]);
    load.isStopped = true;
    for (const { id } of cluster.nodes) cluster.kill(id);
  });

  test('a broker that was silent for a while and came back is not fenced when the store does', async () => {
    const cluster = await start();
    const controllerId = cluster.nodes.find(({ running }) => running?.broker.controller.isActive)?.id;
    const silent = cluster.nodes.find(({ id }) => id !== controllerId)?.id as number;
    const epochOf = (): number | undefined => cluster.node(1).running?.broker.image.brokers.get(silent)?.epoch;
    const before = epochOf();
    let fencings = 0;
    cluster.node(1).running?.broker.metadata.subscribe((image) => {
      if (image.brokers.get(silent)?.isFenced === true) fencings++;
    });
    const mend = cluster.store.makeUnavailable();
    // The one append in flight, behind which every later decision waits.
    const admin = clientOf(cluster, 'late-admin');
    const late = admin.ask(cluster.clientPort(controllerId as number), calls.createTopicsCall, 7, {
      timeoutMs: 60_000,
      validateOnly: false,
      topics: [{ name: 'late', numPartitions: 1, replicationFactor: 3, assignments: [], configs: [] }],
    });
    // The client does not wait for so long.
    late.catch(() => {});
    await cluster.pass(500);
    for (const { id } of cluster.nodes) if (id !== silent) cluster.cutLink(id, silent);
    await cluster.pass(8_000);
    cluster.heal();
    await cluster.pass(10_000);
    mend();
    await cluster.pass(10_000);
    expect([fencings, epochOf()]).toEqual([0, before]);
    for (const { id } of cluster.nodes) cluster.kill(id);
  });

  test('a broker that dies meanwhile is done without once the store is back', { timeout: 120_000 }, async () => {
    const cluster = await start();
    const load = new Load(cluster);
    await cluster.pass(20_000);
    const mend = cluster.store.makeUnavailable();
    await cluster.pass(60_000);
    load.take();
    cluster.kill(3);
    await cluster.pass(60_000);
    // The in-sync sets still name the dead one, so acks=all waits.
    expect(load.take().failures.length).toBeGreaterThan(0);
    cluster.start(3);
    await cluster.pass(60_000);
    // It came back, and waits, fenced, for somebody to register it.
    expect(cluster.node(3).state).toBe('starting');
    cluster.kill(3);
    mend();
    await cluster.pass(30_000);
    load.take();
    await cluster.pass(30_000);
    expect(load.take().failures).toEqual([]);
    cluster.start(3);
    expect(await cluster.until(() => cluster.node(3).state === 'running', 30_000)).toBe(true);
    expect(cluster.failures).toEqual([]);
    load.isStopped = true;
    for (const { id } of cluster.nodes) cluster.kill(id);
  });
});
