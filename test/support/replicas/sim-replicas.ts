/**
 * The replicas of several brokers in one process, on a simulated clock, network and disks: production logs, replicas,
 * fetchers and fetch handlers, and a controller of the simplest kind that keeps Kafka's rules of epochs.
 *
 * The controller's metadata reaches each broker after a delay of its own, so that brokers disagree for a while as they
 * do in life. Brokers can be killed, paused, cut off and robbed of what they had not synced.
 */
import { endOffsetOf } from '../../../broker/log/log-fixture.ts';
import type { LogConfig } from '../../../broker/log/mod.ts';
import type { MetadataImage } from '../../../broker/metadata/mod.ts';
import type { ReplicaConfig, ReplicationConfig, ThrottleRates } from '../../../broker/replication/mod.ts';
import { type Logger, silentLogger } from '../../../broker/std/mod.ts';
import { SeededRandom } from '../../../broker/std/sim/prng.ts';
import { SimClock } from '../../../broker/std/sim/sim-clock.ts';
import { SimNetwork } from '../../../broker/std/sim/sim-network.ts';
import { SimController } from './sim-controller.ts';
import { SimNode } from './sim-node.ts';

const STEP_LIMIT_MS = 120_000;

export interface SimReplicasOptions {
  readonly seed?: number;
  readonly nodes?: number;
  readonly minInSyncReplicas?: number;
  readonly log?: Partial<LogConfig>;
  readonly replication?: Partial<ReplicationConfig>;
  readonly throttle?: Pick<ReplicaConfig, 'throttledAsLeader' | 'throttledAsFollower'>;
  readonly throttleRates?: () => ThrottleRates;
  readonly logger?: Logger;
  /** Broker configs, by Kafka's names. */
  readonly config?: Readonly<Record<string, string>>;
  /** How long metadata takes to a broker; drawn anew for each image. */
  readonly metadataDelayMs?: (nodeId: number, random: SeededRandom) => number;
}

export class SimReplicas {
  readonly options: SimReplicasOptions;
  readonly clock = new SimClock();
  readonly random: SeededRandom;
  readonly network: SimNetwork;
  readonly logger: Logger;
  readonly controller: SimController;
  readonly nodes: readonly SimNode[];
  private readonly imageArrivesMs = new Map<SimNode, number>();

  constructor(options: SimReplicasOptions = {}) {
    this.options = options;
    this.logger = options.logger ?? silentLogger;
    this.random = new SeededRandom(options.seed ?? 1);
    this.network = new SimNetwork(this.clock, this.random.fork());
    this.controller = new SimController(this);
    this.nodes = Array.from({ length: options.nodes ?? 3 }, (_, index) => new SimNode(index + 1, this));
  }

  static async start(options: SimReplicasOptions = {}): Promise<SimReplicas> {
    const cluster = new SimReplicas(options);
    for (const node of cluster.nodes) await cluster.until(node.start());
    return cluster;
  }

  node(id: number): SimNode {
    return this.nodes[id - 1] as SimNode;
  }

  sendImage(node: SimNode, image: MetadataImage): void {
    const delayMs = this.options.metadataDelayMs?.(node.id, this.random) ?? 1;
    const nowMs = this.clock.monotonicMs();
    const arrivesMs = Math.max(this.imageArrivesMs.get(node) ?? 0, nowMs + delayMs);
    this.imageArrivesMs.set(node, arrivesMs);
    this.clock.after(arrivesMs - nowMs, () => {
      if (node.isUp) node.learn(image);
    });
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  advance(ms: number): Promise<void> {
    return this.clock.advanceAndSettle(ms);
  }

  /** Lets simulated time pass until the promise settles. */
  async until<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.waitFor(() => isSettled, 'a promise to settle');
    return promise;
  }

  /** Lets simulated time pass until the condition holds. */
  async waitFor(condition: () => boolean, what: string, limitMs = STEP_LIMIT_MS): Promise<void> {
    const deadline = this.clock.monotonicMs() + limitMs;
    await this.clock.settle();
    while (!condition()) {
      if (this.clock.monotonicMs() > deadline) throw new Error(`waited ${limitMs} simulated ms for ${what}`);
      if (!this.clock.step()) throw new Error(`the simulation is stuck, waiting for ${what}`);
      await this.clock.settle();
    }
  }

  /** Waits until every replica is in sync and has all that its leader has. */
  async converge(topic: string, partition = 0): Promise<void> {
    try {
      await this.waitFor(() => this.hasConverged(topic, partition), `${topic}-${partition} to converge`);
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${this.describe(topic, partition)}`);
    }
  }

  /** Where everybody stands, for a test that failed. */
  private describe(topic: string, partition: number): string {
    const { leader, leaderEpoch, partitionEpoch, inSyncReplicas } = this.controller.partition(topic, partition);
    const nodes = this.nodes.map((node) => {
      const replica = node.isUp ? node.replicas.get(topic, partition) : undefined;
      if (replica === undefined) return { node: node.id };
      const { leader, leaderEpoch, partitionEpoch, isLeader, highWatermark, logEndOffset, inSyncReplicas } = replica;
      const pending = replica.pendingChange?.newInSyncReplicas;
      const view = { leader, leaderEpoch, partitionEpoch, isLeader, inSyncReplicas, pending };
      return { node: node.id, ...view, highWatermark, logEndOffset, isPaused: node.isPaused };
    });
    return JSON.stringify({ leader, leaderEpoch, partitionEpoch, inSyncReplicas, nodes }, undefined, 1);
  }

  private hasConverged(topic: string, partition: number): boolean {
    const state = this.controller.partition(topic, partition);
    if (state.leader === -1 || state.inSyncReplicas.length < state.replicas.length) return false;
    const leader = this.node(state.leader).replicas.get(topic, partition);
    return state.replicas.every((id) => {
      const replica = this.node(id).replicas.get(topic, partition);
      return (
        replica !== undefined &&
        replica.leaderEpoch === state.leaderEpoch &&
        replica.logEndOffset === leader?.logEndOffset &&
        replica.highWatermark === leader.highWatermark &&
        leader.highWatermark === leader.logEndOffset
      );
    });
  }

  /** All bytes of a log from `offset` on. */
  async bytes(node: SimNode, topic: string, partition = 0, offset?: number): Promise<Buffer> {
    const { log } = node.replica(topic, partition);
    const parts: Buffer[] = [];
    for (let next = offset ?? log.logStartOffset; next < log.logEndOffset; ) {
      const result = await log.read({
        offset: next,
        maxBytes: 1 << 20,
        upperBoundOffset: log.logEndOffset,
        minOneBatch: true,
      });
      if (result.sizeBytes === 0) break;
      const bytes = Buffer.concat(result.chunks as Buffer[]);
      result.release();
      parts.push(bytes);
      next = endOffsetOf(bytes);
    }
    return Buffer.concat(parts);
  }

  close(): void {
    for (const node of this.nodes) node.kill();
  }
}
