/**
 * Random histories: brokers are killed, paused, cut off and robbed of what they had not synced, leaders move, the
 * controller loses requests and answers, and producers write all the time.
 *
 * Whatever happens: what was acknowledged under acks=all is in every log at its offset when all is healed; replicas are
 * equal byte for byte; a high watermark never steps back while a process lives; one epoch has one leader. Every failure
 * names the seed that replays it.
 */
import { expect, test } from 'vitest';
import type { Produced } from '../../test/support/replicas/sim-node.ts';
import { SimReplicas } from '../../test/support/replicas/sim-replicas.ts';
import { batchSizeBytes, ErrorCode, readRecords } from '../protocol/mod.ts';
import { SeededRandom } from '../std/sim/prng.ts';
import type { Replica } from './replica.ts';

const TOPIC = 't';
const PARTITIONS = 2;
const STEPS = 400;
/** So often all is healed in between: a history of nothing but trouble acknowledges little that could be lost. */
const HEAL_EVERY_STEPS = 60;
/** A history that acknowledged less than this has tested nothing. */
const ACKNOWLEDGED_MIN = 20;
const SEEDS = Number(process.env.REPLICATION_SEEDS ?? 24);
const FIRST_SEED = Number(process.env.REPLICATION_FIRST_SEED ?? 1);

class History {
  readonly cluster: SimReplicas;
  private readonly random: SeededRandom;
  private readonly losesPower: boolean;
  private readonly acknowledged: Produced[][] = Array.from({ length: PARTITIONS }, () => []);
  private readonly watermarks = new Map<Replica, number>();
  private readonly leaders = new Map<string, number>();
  private nextValue = 0;

  private constructor(cluster: SimReplicas, seed: number) {
    this.cluster = cluster;
    this.random = new SeededRandom(seed * 31 + 7);
    // With flush.messages=1 nothing acknowledged may be lost by any power loss, without it by no kill.
    this.losesPower = seed % 2 === 0;
  }

  static async run(seed: number): Promise<void> {
    const cluster = await SimReplicas.start({
      seed,
      minInSyncReplicas: 2,
      log: { ...(seed % 2 === 0 ? { flushMessages: 1 } : {}), segmentBytes: 4096, indexIntervalBytes: 256 },
      replication: { lagTimeMaxMs: 2_000, ...(seed % 3 === 0 ? { fetchMaxBytes: 200 } : {}) },
      metadataDelayMs: (_nodeId, random) => (random.chance(0.1) ? random.below(400) : random.below(5)),
    });
    cluster.controller.createTopic(TOPIC, { replicas: [1, 2, 3], partitions: PARTITIONS });
    const history = new History(cluster, seed);
    try {
      for (let partition = 0; partition < PARTITIONS; partition++) await cluster.converge(TOPIC, partition);
      for (let step = 1; step <= STEPS; step++) {
        await history.step();
        if (step % HEAL_EVERY_STEPS === 0) await history.heal();
      }
      await history.heal();
      await history.compare();
    } finally {
      cluster.close();
    }
  }

  private async step(): Promise<void> {
    const { random, cluster } = this;
    const burst = random.below(4);
    for (let i = 0; i < burst; i++) this.produce();
    if (random.chance(0.15)) await this.disturb();
    await cluster.advance(random.chance(0.05) ? random.below(3_000) : random.below(40));
    this.check();
  }

  private produce(): void {
    const partition = this.random.below(PARTITIONS);
    const { leader } = this.cluster.controller.partition(TOPIC, partition);
    // Mostly the right broker; now and then one that may believe that it still leads.
    const target = leader === -1 || this.random.chance(0.2) ? this.random.between(1, 3) : leader;
    const node = this.cluster.node(target);
    if (node.isPaused) return;
    const value = `value-${this.nextValue++}`;
    void node.produce(TOPIC, partition, value).then((produced) => {
      if (produced.errorCode !== ErrorCode.NONE) return;
      const taken = this.acknowledged[partition]?.find(({ offset }) => offset === produced.offset);
      expect(taken, `offset ${produced.offset} was acknowledged twice`).toBeUndefined();
      this.acknowledged[partition]?.push(produced);
    });
  }

  private async disturb(): Promise<void> {
    const { random, cluster } = this;
    const { controller, network, nodes } = cluster;
    const node = random.pick(nodes);
    const others = nodes.filter((other) => other !== node);
    switch (random.below(9)) {
      case 0:
      case 1:
        if (!node.isUp) await cluster.until(node.start());
        else if (nodes.every(({ isUp }) => isUp) || random.chance(0.2)) {
          if (this.losesPower && random.chance(0.7)) node.powerLoss();
          else node.kill();
          const { brokerEpoch } = node;
          cluster.clock.after(random.below(300), () => {
            if (!node.isUp && node.brokerEpoch === brokerEpoch) controller.fence(node.id);
          });
        }
        return;
      case 2:
        for (const down of nodes) if (!down.isUp) await cluster.until(down.start());
        return;
      case 3:
        if (node.isPaused) {
          node.resume();
          controller.unfence(node.id);
        } else if (node.isUp) {
          node.pause();
          if (random.chance(0.7))
            cluster.clock.after(random.below(500), () => node.isPaused && controller.fence(node.id));
        }
        return;
      case 4:
        network.cutLink(node.owner, random.pick(others).owner);
        return;
      case 5:
        network.heal();
        return;
      case 6:
      case 7: {
        const partition = random.below(PARTITIONS);
        const state = controller.partition(TOPIC, partition);
        if (state.leader !== -1) controller.elect(TOPIC, partition, random.pick(state.inSyncReplicas));
        return;
      }
      default:
        controller.isReachable = !controller.isReachable;
        controller.fault = () =>
          random.chance(0.15) ? (random.chance(0.5) ? 'lost request' : 'lost answer') : undefined;
    }
  }

  private check(): void {
    for (const node of this.cluster.nodes) {
      if (!node.isUp) continue;
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const replica = node.replicas.get(TOPIC, partition);
        if (replica === undefined) continue;
        const { highWatermark } = replica;
        const before = this.watermarks.get(replica) ?? 0;
        expect(highWatermark, `high watermark of ${node.owner} moved back`).toBeGreaterThanOrEqual(before);
        this.watermarks.set(replica, highWatermark);
        if (!replica.isLeader) continue;
        const term = `${partition}@${replica.leaderEpoch}`;
        expect(this.leaders.get(term) ?? node.id, `two leaders of ${term}`).toBe(node.id);
        this.leaders.set(term, node.id);
      }
    }
  }

  private async heal(): Promise<void> {
    const { cluster } = this;
    cluster.controller.isReachable = true;
    cluster.controller.fault = () => undefined;
    cluster.network.heal();
    for (const node of cluster.nodes) {
      if (node.isPaused && node.isUp) node.resume();
      if (!node.isUp) await cluster.until(node.start());
      cluster.controller.unfence(node.id);
    }
    for (let partition = 0; partition < PARTITIONS; partition++) await cluster.converge(TOPIC, partition);
    this.check();
  }

  private async compare(): Promise<void> {
    const { cluster } = this;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const bytes = await cluster.bytes(cluster.node(1), TOPIC, partition);
      for (const node of cluster.nodes.slice(1)) {
        const same = (await cluster.bytes(node, TOPIC, partition)).equals(bytes);
        expect(same, `${node.owner} differs from node1 in partition ${partition}`).toBe(true);
      }
      const values = valuesOf(bytes);
      for (const { offset, value } of this.acknowledged[partition] ?? []) {
        expect(values.get(offset), `acknowledged offset ${offset} of partition ${partition}`).toBe(value);
      }
      expect(this.acknowledged[partition]?.length).toBeGreaterThan(ACKNOWLEDGED_MIN);
    }
  }
}

function valuesOf(bytes: Buffer): Map<number, string> {
  const values = new Map<number, string>();
  for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
    for (const { offset, value } of readRecords(bytes.subarray(at, at + batchSizeBytes(bytes, at)))) {
      values.set(offset, value?.toString() ?? '');
    }
  }
  return values;
}

for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
  test(`history ${seed}: nothing acknowledged is lost, and replicas end alike`, { timeout: 60_000 }, () =>
    History.run(seed),
  );
}
