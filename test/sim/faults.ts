/**
 * What goes wrong, drawn from the seed: processes die, pause and stop, machines lose power, links are cut, the store
 * fails in every way it can, clocks jump, disks fill up. Quiet stretches lie between, so that the cluster also
 * recovers.
 */
import type { SeededRandom } from '../../broker/std/sim/prng.ts';
import type { History } from './history.ts';
import type { SimCluster, SimNode } from './sim-cluster.ts';

/** How the store behaves just now: chances of each fault, per operation. */
interface StoreMood {
  readonly fail: number;
  readonly lost: number;
  readonly delayMsMax: number;
  readonly lateMsMax: number;
}

const CALM: StoreMood = { fail: 0, lost: 0, delayMsMax: 4, lateMsMax: 0 };
const MOODS: readonly StoreMood[] = [
  CALM,
  { fail: 0.1, lost: 0.5, delayMsMax: 10, lateMsMax: 50 },
  { fail: 0, lost: 0.6, delayMsMax: 10, lateMsMax: 20 },
  { fail: 0.5, lost: 0.3, delayMsMax: 50, lateMsMax: 200 },
  { fail: 0, lost: 0.2, delayMsMax: 300, lateMsMax: 300 },
  { fail: 0, lost: 0, delayMsMax: 2500, lateMsMax: 0 },
  { fail: 1, lost: 0, delayMsMax: 0, lateMsMax: 0 },
];

/** Longer than the controller's lease. */
const FROZEN_MS_MIN = 7500;
/** About what a start takes, so that a stop comes anywhere in it. */
const STARTING_MS = 100;
const SLEEPY_APPENDS = 0.02;

export class Faults {
  private readonly cluster: SimCluster;
  private readonly random: SeededRandom;
  private readonly history: History;
  private readonly allowsPowerLoss: boolean;
  private mood = CALM;
  /** While true nothing new goes wrong by itself: at the start, and when everything is mended. */
  private isMending = true;
  private readonly frozenUntilMs = new Map<number, number>();
  /** Each mends a disk, once or again. */
  private readonly brokenDisks: (() => void)[] = [];

  constructor(options: {
    readonly cluster: SimCluster;
    readonly random: SeededRandom;
    readonly history: History;
    /** Whether machines may lose power, and with it what they had not synced. */
    readonly allowsPowerLoss: boolean;
  }) {
    this.cluster = options.cluster;
    this.random = options.random;
    this.history = options.history;
    this.allowsPowerLoss = options.allowsPowerLoss;
    this.cluster.store.fault = (operation, caller) => {
      const { mood, random, history } = this;
      // The writer falls asleep between reading the log and writing to it, and wakes when others have gone on.
      if (operation === 'append' && random.chance(SLEEPY_APPENDS)) {
        const id = Number(caller?.replace('broker-', ''));
        this.cluster.clock.after(0, () => this.freezeNode(this.cluster.node(id)));
        return { kind: 'delay', delayMs: 1 };
      }
      if (random.chance(mood.fail)) return { kind: 'fail' };
      if (random.chance(mood.lost)) {
        if (operation === 'append') history.count('appends with unknown outcome');
        return { kind: 'lost' };
      }
      const isLate = mood.lateMsMax > 0 && random.chance(0.3);
      if (isLate) return { kind: 'late', delayMs: random.below(mood.lateMsMax) };
      return { kind: 'delay', delayMs: random.below(mood.delayMsMax + 1) };
    };
  }

  private pickRunning(): SimNode | undefined {
    const running = this.cluster.nodes.filter(({ state }) => state === 'running' || state === 'starting');
    return running.length === 0 ? undefined : this.random.pick(running);
  }

  private activeController(): SimNode | undefined {
    return this.cluster.nodes.find(({ running }) => running?.broker.controller.isActive === true);
  }

  /** One more thing goes wrong, or is mended. */
  step(): void {
    const { cluster, random } = this;
    // Often the controller, for most of what can go wrong in a cluster goes wrong around it.
    const victim = random.chance(0.35) ? (this.activeController() ?? this.pickRunning()) : this.pickRunning();
    switch (random.below(40)) {
      case 0:
      case 1:
      case 2:
        if (victim !== undefined) this.crash(victim);
        break;
      case 3:
        if (victim !== undefined && this.allowsPowerLoss) {
          this.history.count('power losses');
          cluster.losePower(victim.id);
        } else if (victim !== undefined) this.crash(victim);
        break;
      case 4:
        if (victim !== undefined) this.stop(victim);
        break;
      case 5:
      case 6:
        if (victim !== undefined) cluster.pause(victim.id);
        break;
      case 7:
        for (const node of cluster.nodes) if (!this.frozenUntilMs.has(node.id)) this.goOn(node);
        break;
      case 8:
        if (victim !== undefined) this.cut(victim);
        break;
      case 9:
        cluster.heal();
        break;
      case 10:
      case 17:
      case 18:
        this.mood = random.pick(MOODS);
        cluster.trace.add('store', 'sim', 'changes its mood', this.mood);
        break;
      case 11: {
        const deaf = random.below(cluster.nodes.length) + 1;
        cluster.store.isWatchStalled = random.chance(0.5) ? (caller) => caller === `broker-${deaf}` : false;
        break;
      }
      case 12:
        if (victim !== undefined) victim.skewMs = random.pick([0, 0, 3_600_000, -3_600_000, 86_400_000, 500]);
        break;
      case 13:
        if (victim !== undefined) this.fillDisk(victim);
        break;
      case 14:
        if (victim !== undefined && this.allowsPowerLoss) this.wipe(victim);
        break;
      case 15:
        if (victim !== undefined) this.blink(victim);
        break;
      case 16:
        this.blinkBeforeJoining();
        break;
      case 19:
      case 20:
        if (victim !== undefined) this.breakConnections(victim);
        break;
      case 21:
        if (victim !== undefined) cluster.slowDown(victim.id, random.pick([20, 200, 1000]));
        break;
      case 22:
        if (victim !== undefined) this.breakDisk(victim);
        break;
      default:
        this.freeze();
    }
    // Processes do not stay away for long, so that there is always somebody to fail again.
    for (const node of cluster.nodes) {
      if (node.state === 'stopped' && random.chance(0.5)) this.restart(node);
      const mayGoOn = cluster.clock.monotonicMs() >= (this.frozenUntilMs.get(node.id) ?? 0);
      if (node.isPaused && mayGoOn && random.chance(0.5)) this.goOn(node);
      if (random.chance(0.5)) node.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
    }
    if (random.chance(0.3)) cluster.heal();
    if (random.chance(0.15)) this.mood = CALM;
  }

  /** A process, often the controller, sleeps for longer than a lease, wakes, and believes that nothing has happened. */
  private freeze(): void {
    const { random } = this;
    const sleeper = random.chance(0.6) ? this.activeController() : this.pickRunning();
    if (sleeper !== undefined) this.freezeNode(sleeper);
  }

  private freezeNode(sleeper: SimNode): void {
    const { cluster, random } = this;
    if (sleeper.isPaused || sleeper.state === 'stopped' || this.isMending) return;
    const others = cluster.nodes.filter(({ id }) => id !== sleeper.id);
    for (const node of others) {
      this.goOn(node);
      if (node.state === 'stopped') this.restart(node);
    }
    cluster.heal();
    this.frozenUntilMs.set(sleeper.id, cluster.clock.monotonicMs() + FROZEN_MS_MIN + random.below(8000));
    cluster.pause(sleeper.id);
  }

  private crash(node: SimNode): void {
    this.cluster.kill(node.id);
    this.history.count('kills');
  }

  /** Often it is back at once, and is asked to stop again before it has caught up. */
  private stop(node: SimNode): void {
    const { cluster, random } = this;
    cluster.stop(node.id);
    if (random.chance(0.5)) return;
    const again = (untilMs: number): void => {
      if (node.state === 'stopped') {
        this.restart(node);
        if (random.chance(0.5)) {
          cluster.clock.after(random.below(STARTING_MS), () => {
            if (node.state === 'starting') this.history.count('stops while starting');
            cluster.stop(node.id);
          });
        } else this.onceUnfenced(node, () => cluster.stop(node.id));
      } else if (cluster.clock.monotonicMs() < untilMs) cluster.clock.after(10, () => again(untilMs));
    };
    again(cluster.clock.monotonicMs() + 5000);
  }

  /** The machine and its disk are gone, and a new one takes its place. */
  private wipe(node: SimNode): void {
    if (this.cluster.nodes.some(({ state, isPaused }) => state !== 'running' || isPaused)) return;
    this.cluster.loseDisk(node.id);
    this.history.count('lost disks');
  }

  /** Down and up again, faster than anybody notices by itself. */
  private blink(node: SimNode): void {
    const { cluster, random } = this;
    if (this.allowsPowerLoss) {
      this.history.count('power losses');
      cluster.losePower(node.id);
    } else this.crash(node);
    cluster.clock.after(20 + random.below(300), () => {
      if (node.state === 'stopped') this.restart(node);
    });
  }

  /**
   * A follower that came back is caught up, its leader asks for it to be taken in, and it is gone once more before the
   * controller hears of that.
   */
  private blinkBeforeJoining(): void {
    const { cluster, random } = this;
    const controller = this.activeController();
    const follower = this.pickRunning();
    if (controller === undefined || follower === undefined || follower === controller) return;
    this.blink(follower);
    this.onceUnfenced(follower, () => {
      for (const { id } of cluster.nodes) {
        if (id !== controller.id && id !== follower.id) cluster.cutLink(controller.id, id);
      }
      cluster.clock.after(200 + random.below(400), () => {
        if (follower.state !== 'stopped') this.blink(follower);
        this.onceUnfenced(follower, () => cluster.clock.after(random.below(200), () => cluster.heal()));
      });
    });
  }

  private onceUnfenced(node: SimNode, then: () => void, untilMs = this.cluster.clock.monotonicMs() + 5000): void {
    const { clock } = this.cluster;
    const known = this.activeController()?.running?.broker.image.brokers.get(node.id);
    const isUnfenced = known?.isFenced === false && known.epoch === node.running?.brokerEpoch();
    if (isUnfenced || clock.monotonicMs() >= untilMs) return then();
    clock.after(10, () => this.onceUnfenced(node, then, untilMs));
  }

  private restart(node: SimNode): void {
    if (this.cluster.wasUnclean(node.id)) this.history.count('unclean restarts');
    this.cluster.start(node.id);
  }

  private goOn(node: SimNode): void {
    this.frozenUntilMs.delete(node.id);
    if (!node.isPaused) return;
    const { running } = node;
    const image = running?.broker.image;
    if (running?.broker.controller.isActive === true && this.activeEpoch() > running.broker.controller.epoch) {
      this.history.count('stale controllers resumed');
    }
    if (image !== undefined && this.cluster.store.trimmedBelow > image.nextOffset) {
      this.history.count('readers behind a trim');
    }
    this.cluster.resume(node.id);
  }

  private activeEpoch(): number {
    return Math.max(0, ...this.cluster.nodes.map(({ running }) => running?.broker.image.controllerEpoch ?? 0));
  }

  private cut(victim: SimNode): void {
    const { cluster, random } = this;
    const others = cluster.nodes.filter(({ id }) => id !== victim.id);
    const isWhole = random.chance(0.4);
    for (const other of isWhole ? others : [random.pick(others)]) {
      if (random.chance(0.7)) cluster.cutLink(victim.id, other.id);
      else cluster.cutOneWay(victim.id, other.id);
    }
  }

  /** Once, or again and again for a while, to some of the others. */
  private breakConnections(victim: SimNode): void {
    const { cluster, random } = this;
    const others = cluster.nodes.filter(({ id }) => id !== victim.id);
    for (let times = random.pick([1, 1, 5, 20]); times > 0; times--) {
      const other = random.pick(others);
      cluster.clock.after(random.below(2000), () => cluster.breakConnections(victim.id, other.id));
    }
    this.history.count('broken connections');
  }

  /** Every write fails until the process has ended of it, or for a moment only. */
  private breakDisk(victim: SimNode): void {
    const { cluster, random } = this;
    const operation = random.pick(['write', 'write', 'datasync'] as const);
    const times = random.pick([1, 2, Number.POSITIVE_INFINITY]);
    const mend = victim.disk.inject({ operation, kind: 'EIO', path: /\.log$/, times });
    cluster.trace.add(`broker ${victim.id}`, 'sim', 'disk fails', { operation, times });
    this.brokenDisks.push(mend);
    cluster.clock.after(1000 + random.below(10_000), mend);
    this.history.count('failing disks');
  }

  private fillDisk(victim: SimNode): void {
    const { freeBytes, totalBytes } = victim.disk.space('/data');
    victim.disk.capacityBytes = Math.min(totalBytes, totalBytes - freeBytes + this.random.below(2000));
    this.history.count('full disks');
  }

  /** Things may go wrong again. */
  goOnShaking(): void {
    this.isMending = false;
  }

  /** Everything is mended; what follows must end with a healthy cluster. */
  mendAll(): void {
    const { cluster } = this;
    this.isMending = true;
    this.mood = CALM;
    cluster.store.isWatchStalled = false;
    cluster.heal();
    for (const mend of this.brokenDisks.splice(0)) mend();
    for (const node of cluster.nodes) {
      node.disk.capacityBytes = Number.MAX_SAFE_INTEGER;
      this.goOn(node);
      if (node.state === 'stopped') this.restart(node);
    }
  }
}
