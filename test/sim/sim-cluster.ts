/**
 * A whole cluster of production brokers in one process: each on a disk of its own, all on one simulated clock, network
 * and coordination store. Processes are started, killed, paused and cut off; machines lose power.
 */
import { BrokerConfig } from '../../broker/config/mod.ts';
import { MemoryStore, MemoryStoreState } from '../../broker/coordination/mod.ts';
import { type RunningBroker, startBroker } from '../../broker/start-broker.ts';
import type { Clock, Executor, Logger, Runtime, Timer } from '../../broker/std/mod.ts';
import { MemoryDisk } from '../../broker/std/sim/memory-disk.ts';
import { SeededRandom } from '../../broker/std/sim/prng.ts';
import { SimClock } from '../../broker/std/sim/sim-clock.ts';
import { SimNetwork } from '../../broker/std/sim/sim-network.ts';
import { Trace } from './trace.ts';

const CLIENT_PORT = 9000;
export const CONTROL_PORT = 9500;
const PERMIT_MS = 8000;
const PERMIT_GRANTED = 'the permit to stop is granted';
const RACKS = ['a', 'b', 'c'];

export type NodeState = 'stopped' | 'starting' | 'running' | 'stopping';

export interface SimNode {
  readonly id: number;
  disk: MemoryDisk;
  state: NodeState;
  isPaused: boolean;
  /** Grows with every start, so that what a killed process left on the clock cannot act for its successor. */
  life: number;
  /** What its clock says beyond the true time. */
  skewMs: number;
  running: RunningBroker | undefined;
  /** What tells a process to stop that does not serve yet. */
  stop: AbortController;
  /** Whether its last life ended without a clean shutdown. */
  wasUnclean: boolean;
  /** Callbacks that came due while the process was paused. */
  held: (() => void)[];
}

export class SimCluster {
  readonly clock = new SimClock();
  readonly random: SeededRandom;
  readonly network: SimNetwork;
  readonly store = new MemoryStoreState();
  readonly nodes: readonly SimNode[];
  readonly trace: Trace;
  private readonly overrides: Readonly<Record<string, string>>;
  /** Called when a broker says that it was granted the permit to stop. */
  onPermit: (id: number, brokerEpoch: number) => void = () => {};
  /** Called when a process was told that its batch is in the log. */
  onAppended: (id: number, offset: number, payload: Buffer) => void = () => {};
  /** Errors that no process caught: each is a bug. */
  readonly failures: Error[] = [];

  constructor(options: {
    readonly seed: number;
    readonly brokers: number;
    readonly overrides?: Readonly<Record<string, string>>;
  }) {
    this.random = new SeededRandom(options.seed);
    this.network = new SimNetwork(this.clock, this.random.fork());
    this.overrides = options.overrides ?? {};
    this.trace = new Trace(() => this.clock.monotonicMs());
    this.nodes = Array.from({ length: options.brokers }, (_, index) => {
      const disk = emptyDisk();
      const base = { id: index + 1, disk, state: 'stopped' as const, isPaused: false };
      return {
        ...base,
        life: 0,
        skewMs: 0,
        running: undefined,
        stop: new AbortController(),
        wasUnclean: false,
        held: [],
      };
    });
  }

  node(id: number): SimNode {
    return this.nodes[id - 1] as SimNode;
  }

  clientPort(id: number): number {
    return CLIENT_PORT + id;
  }

  get bootstrapPorts(): number[] {
    return this.nodes.map(({ id }) => this.clientPort(id));
  }

  private ownerOf(node: SimNode): string {
    return `broker-${node.id}`;
  }

  /** The world as one life of a process sees it: dead callbacks never run, those of a paused process wait. */
  /** The world as the process on that node sees it. */
  runtimeOf(node: SimNode): Runtime {
    const { life } = node;
    const run = (callback: () => void): void => {
      if (node.life !== life) return;
      if (node.isPaused) node.held.push(callback);
      else callback();
    };
    const clock: Clock = {
      nowMs: () => this.clock.nowMs() + node.skewMs,
      monotonicMs: () => this.clock.monotonicMs(),
      idleShare: () => 1,
      after: (delayMs, callback): Timer => {
        let isCancelled = false;
        const timer = this.clock.after(delayMs, () => run(() => (isCancelled ? undefined : callback())));
        return {
          cancel() {
            isCancelled = true;
            timer.cancel();
          },
        };
      },
      endOfTurn: (callback) => this.clock.endOfTurn(() => run(callback)),
    };
    const executor: Executor = {
      run: async (module, job, input) => {
        const jobs = (await import(module)) as Record<string, (input: unknown, world: unknown) => unknown>;
        return (await jobs[job]?.(input, { disk: node.disk })) as never;
      },
      close: async () => {},
    };
    return {
      clock,
      random: this.random.fork(),
      disk: node.disk,
      network: this.network.endpoint(this.ownerOf(node)),
      executor,
      log: this.loggerOf(node),
    };
  }

  /** The store as one life of a process sees it: a watch tells nobody who is dead, and wakes nobody who is paused. */
  private storeOf(node: SimNode, clock: Clock): MemoryStore {
    const { life } = node;
    const store = new MemoryStore(this.store, clock, { caller: this.ownerOf(node) });
    const append = store.append.bind(store);
    store.append = async (offset, payload) => {
      await append(offset, payload);
      this.onAppended(node.id, offset, payload);
    };
    const watch = store.watch.bind(store);
    store.watch = (changed) =>
      watch(() => {
        if (node.life !== life) return;
        if (node.isPaused) node.held.push(changed);
        else changed();
      });
    return store;
  }

  private loggerOf(node: SimNode): Logger {
    const { life } = node;
    const write = (level: string) => (fields: object, message: string) => {
      this.trace.add(`broker ${node.id}${node.life === life ? '' : ' (dead)'}`, level, message, fields);
      if (message === PERMIT_GRANTED) this.onPermit(node.id, (fields as { brokerEpoch: number }).brokerEpoch);
    };
    const logger: Logger = {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: () => logger,
    };
    return logger;
  }

  configOf(node: SimNode): BrokerConfig {
    return new BrokerConfig(
      new Map(
        Object.entries({
          'node.id': String(node.id),
          listeners:
            `PLAINTEXT://127.0.0.1:${this.clientPort(node.id)},` + `CONTROL://127.0.0.1:${CONTROL_PORT + node.id}`,
          'log.dirs': '/data',
          'broker.rack': RACKS[(node.id - 1) % RACKS.length] as string,
          'group.initial.rebalance.delay.ms': '0',
          'offsets.topic.num.partitions': '2',
          'min.insync.replicas': '2',
          'default.replication.factor': '3',
          'broker.session.timeout.ms': '6000',
          'replica.lag.time.max.ms': '3000',
          ...this.overrides,
        }),
      ),
    );
  }

  /** Starts the process; it may take long to serve, or for ever, and that is watched by whoever needs it. */
  start(id: number): void {
    const node = this.node(id);
    if (node.state !== 'stopped') return;
    node.life += 1;
    node.isPaused = false;
    node.held = [];
    node.state = 'starting';
    this.network.reappear(this.ownerOf(node));
    const { life } = node;
    const { faultsHit } = node.disk;
    const runtime = this.runtimeOf(node);
    const store = this.storeOf(node, runtime.clock);
    this.trace.add(`broker ${id}`, 'sim', 'starts');
    node.stop = new AbortController();
    const { signal } = node.stop;
    const onFatal = (error: Error): void => {
      if (node.life !== life) return;
      this.trace.add(`broker ${id}`, 'sim', 'ends by itself', { err: error });
      this.kill(id);
    };
    startBroker({ runtime, config: this.configOf(node), store, stop: signal, onFatal }).then(
      (running) => {
        if (node.life !== life) return;
        node.running = running;
        node.state = 'running';
      },
      (error: unknown) => {
        if (node.life !== life) return;
        this.trace.add(`broker ${id}`, 'sim', signal.aborted ? 'stopped' : 'could not start', { err: error });
        // Without room for a file it refuses to start, as it should, and is started again.
        if (!signal.aborted && isWell(node.disk, faultsHit)) this.failures.push(error as Error);
        this.end(node, !signal.aborted || node.wasUnclean);
        this.network.kill(this.ownerOf(node));
      },
    );
  }

  wasUnclean(id: number): boolean {
    return this.node(id).wasUnclean;
  }

  private end(node: SimNode, wasUnclean = true): void {
    node.wasUnclean = wasUnclean;
    node.life += 1;
    node.isPaused = false;
    node.held = [];
    node.running = undefined;
    node.state = 'stopped';
  }

  /** SIGKILL: the process is gone, what it wrote stays, its peers see a reset. */
  kill(id: number): void {
    const node = this.node(id);
    if (node.state === 'stopped') return;
    this.trace.add(`broker ${id}`, 'sim', 'is killed');
    this.end(node);
    this.network.kill(this.ownerOf(node));
    node.disk.kill();
  }

  /** The machine loses power: what was not synced may be lost, torn or reordered, and nobody is told. */
  losePower(id: number): void {
    const node = this.node(id);
    this.trace.add(`broker ${id}`, 'sim', 'loses power');
    this.end(node);
    this.network.vanish(this.ownerOf(node));
    node.disk.powerLoss(this.random);
  }

  /** The machine and its disk are lost for good; the next start is that of a new one. */
  loseDisk(id: number): void {
    const node = this.node(id);
    this.trace.add(`broker ${id}`, 'sim', 'loses its disk');
    this.end(node);
    this.network.vanish(this.ownerOf(node));
    node.disk = emptyDisk();
  }

  /** SIGTERM: the broker drains and leaves a clean shutdown behind, or stops starting. */
  stop(id: number, permitMs = this.random.chance(0.5) ? PERMIT_MS : 0): void {
    const node = this.node(id);
    const { running, life } = node;
    if (node.isPaused) return;
    if (node.state === 'starting') {
      this.trace.add(`broker ${id}`, 'sim', 'stops before it serves');
      node.stop.abort();
    }
    if (node.state !== 'running' || running === undefined) return;
    this.trace.add(`broker ${id}`, 'sim', 'stops');
    node.state = 'stopping';
    const { faultsHit } = node.disk;
    running.close({ permitMs }).then(
      () => {
        if (node.life !== life) return;
        this.end(node, false);
        this.network.kill(this.ownerOf(node));
        this.trace.add(`broker ${id}`, 'sim', 'stopped');
      },
      (error: unknown) => {
        if (node.life !== life) return;
        // Without room for its checkpoints it cannot stop cleanly, and ends all the same.
        if (isWell(node.disk, faultsHit)) this.failures.push(error as Error);
        this.kill(id);
      },
    );
  }

  /** SIGSTOP: it holds its ports and its memory, and does nothing. */
  pause(id: number): void {
    const node = this.node(id);
    if (node.state === 'stopped' || node.isPaused) return;
    this.trace.add(`broker ${id}`, 'sim', 'is paused');
    node.isPaused = true;
    this.network.pause(this.ownerOf(node));
  }

  /** SIGCONT: all that came due meanwhile runs at once, before anything it is told. */
  resume(id: number): void {
    const node = this.node(id);
    if (!node.isPaused) return;
    this.trace.add(`broker ${id}`, 'sim', 'goes on');
    node.isPaused = false;
    const { life } = node;
    for (const callback of node.held.splice(0)) if (node.life === life) callback();
    this.network.resume(this.ownerOf(node));
  }

  cutLink(a: number, b: number): void {
    this.trace.add('network', 'sim', 'link is cut', { a, b });
    this.network.cutLink(`broker-${a}`, `broker-${b}`);
  }

  cutOneWay(from: number, to: number): void {
    this.trace.add('network', 'sim', 'link is cut one way', { from, to });
    this.network.cutOneWay(`broker-${from}`, `broker-${to}`);
  }

  /** Two brokers go on, and the connections between them do not. */
  breakConnections(a: number, b: number): void {
    this.trace.add('network', 'sim', 'connections break', { a, b });
    this.network.breakConnections(`broker-${a}`, `broker-${b}`);
    this.network.breakConnections(`broker-${b}`, `broker-${a}`);
  }

  /** What this broker sends and is sent takes so much longer, now and then. */
  slowDown(id: number, delayMsMax: number): void {
    this.trace.add('network', 'sim', 'slows down', { broker: id, delayMsMax });
    const slow = `broker-${id}`;
    this.network.extraDelayMs = (from, to) => (from === slow || to === slow ? this.random.below(delayMsMax) : 0);
  }

  heal(): void {
    this.trace.add('network', 'sim', 'heals');
    this.network.extraDelayMs = () => 0;
    this.network.heal();
  }

  /** Lets simulated time pass. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + ms;
    await settle(this.clock);
    while (this.clock.step(untilMs)) await settle(this.clock);
    this.clock.elapse(Math.max(0, untilMs - this.clock.monotonicMs()));
    await settle(this.clock);
  }

  /** Lets time pass until the condition holds; false when it did not within `limitMs`. */
  async until(condition: () => boolean, limitMs: number): Promise<boolean> {
    const untilMs = this.clock.monotonicMs() + limitMs;
    while (!condition()) {
      if (this.clock.monotonicMs() >= untilMs) return false;
      await this.pass(20);
    }
    return true;
  }
}

/** Runs what this instant still has to do: callbacks at the end of the turn, and every promise that is ready. */
async function settle(clock: SimClock): Promise<void> {
  clock.runTurn();
  await new Promise<void>((resolve) => setImmediate(resolve));
  clock.runTurn();
}

function emptyDisk(): MemoryDisk {
  const disk = new MemoryDisk();
  disk.makeFolder('/data');
  disk.syncFolder('/');
  return disk;
}

/** Whether nothing went wrong with the disk since it had been hit by so many faults. */
function isWell(disk: MemoryDisk, faultsHit: number): boolean {
  return disk.capacityBytes === Number.MAX_SAFE_INTEGER && disk.faultsHit === faultsHit;
}
